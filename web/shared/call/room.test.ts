import { State } from "../state";
import { beforeEach, describe, expect, it, vi } from "vitest";

import type { MediaState } from "./media";
import type { OwnTracks, Peer, PeerOptions } from "./peer";
import type { Role } from "./protocol";
import { Call } from "./room";
import type { SasFailure } from "./sas";
import type { Socket } from "./signaling-client";
import { FakeStream, FakeTrack, ManualClock, settle } from "./testing";

vi.stubGlobal("MediaStream", FakeStream);

class FakePeer {
  readonly remoteStream = new FakeStream();
  readonly stageChannel = { readyState: "open", sent: [] as string[], onmessage: null, send: (text: string) => void this.stageChannel.sent.push(text) };
  readonly verification = { fail: (failure: SasFailure) => this.options.onverification({ state: "failed", code: null, failure }) };
  readonly did: string[] = [];
  tracks: OwnTracks | null = null;
  constructor(readonly options: PeerOptions) {}
  offer = (): void => void this.did.push("offer");
  restart = (): void => void this.did.push("restart");
  receiveDescription = ({ type }: { type: string }): void => void this.did.push(type);
  receiveCandidate = (): void => void this.did.push("candidate");
  stats = (): Promise<RTCStatsReport> =>
    Promise.resolve(
      new Map<string, object>([
        ["L", { type: "local-candidate", candidateType: "host", protocol: "udp" }],
        ["P", { type: "candidate-pair", state: "succeeded", selected: true, localCandidateId: "L", remoteCandidateId: "L" }],
      ]) as unknown as RTCStatsReport,
    );
  setTracks = (tracks: OwnTracks): void => void (this.tracks = tracks);
  close = (): void => void this.did.push("close");
  refuse = (): void => void this.did.push("refuse");
  showCode(): void {
    this.options.onconnection("connected");
    this.options.onverification({ state: "code", code: "123 456", failure: null });
  }
}

class FakeSocket implements Socket {
  readyState = 1;
  sent: { type: string }[] = [];
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  send = (data: string): void => void this.sent.push(JSON.parse(data) as { type: string });
  close = (): void => void (this.readyState = 3);
}

let clock: ManualClock;
let sockets: FakeSocket[];
let peers: FakePeer[];
let certificates: number;
let call: Call;
const media = new State({ audioTrack: null, videoTrack: null, microphoneMuted: false } as unknown as MediaState);

const now = () => call.state.value;
const peer = (): FakePeer => {
  const last = peers.at(-1);
  if (!last) throw new Error("no peer");
  return last;
};
const sent = (): string[] => (sockets.at(-1)?.sent ?? []).map(({ type }) => type).filter((type) => type !== "hello");

async function say(...messages: object[]): Promise<void> {
  for (const message of messages) sockets.at(-1)?.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  await settle();
}
const welcome = (role: Role, more: object = {}): object => ({
  type: "welcome", role, office: "demo", appointment_id: "a", admitted: false, peer: null, stage: { stage: "talk", revision: 1 }, ...more,
});
const offer = (epoch: string): object => ({ type: "description", epoch, description: { type: "offer", sdp: "v=0" } });

async function begin(role: Role): Promise<void> {
  clock = new ManualClock();
  [sockets, peers, certificates] = [[], [], 0];
  call = new Call({
    role,
    appointmentId: "a",
    media: { state: media, setDetail: () => Promise.resolve() },
    ticket: () => Promise.resolve({ ticket: "t", expires_at: "", role, ice_servers: [] }),
    clock,
    generateCertificate: () => Promise.resolve(++certificates as unknown as RTCCertificate),
    createPeer: (options) => {
      const made = new FakePeer(options);
      peers.push(made);
      return made as unknown as Peer;
    },
    signaling: {
      url: "ws://test",
      network: null,
      random: () => 1,
      connect: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        setImmediate(() => socket.onopen?.(new Event("open")));
        return socket;
      },
    },
  });
  call.start();
  await settle();
  await settle();
}

describe("the clerk", () => {
  beforeEach(() => begin("clerk"));

  it("connects and offers only after admitting", async () => {
    await say(welcome("clerk", { peer: { present: true, epoch: "z1" } }));
    expect(now()).toMatchObject({ phase: "waiting", peerPresent: true });
    expect(peers).toHaveLength(0);
    call.admit();
    expect(sent()).toEqual(["admit"]);
    await say({ type: "admitted" });
    expect(now().phase).toBe("in_call");
    expect(peer().did).toEqual(["offer"]);
  });

  it("offers when an admitted citizen comes (back)", async () => {
    await say(welcome("clerk", { admitted: true }));
    expect(peers).toHaveLength(0);
    await say({ type: "peer-joined", epoch: "z1" });
    expect(peer().did).toEqual(["offer"]);
  });

  it("repeats its offer when the citizen reconnects before the connection stood: the first may be lost", async () => {
    await say(welcome("clerk", { admitted: true, peer: { present: true, epoch: "z1" } }), { type: "peer-joined", epoch: "z1" });
    expect(peers).toHaveLength(1);
    expect(peer().did).toEqual(["offer", "offer"]);
  });

  it("keeps a standing connection when only the citizen's signaling came back", async () => {
    await say(welcome("clerk", { admitted: true, peer: { present: true, epoch: "z1" } }));
    peer().showCode();
    await say({ type: "peer-left" }, { type: "peer-joined", epoch: "z1" });
    expect(peers).toHaveLength(1);
    expect(peer().did).toEqual(["offer"]);
    expect(now().verification.code).toBe("123 456");
  });

  it("tells the server over which path it connected, unless that is one from before, which would hang up", async () => {
    await say(welcome("clerk", { admitted: true, peer: { present: true, epoch: "z1" } }));
    peer().showCode();
    await settle();
    expect(sent()).not.toContain("path");
    await say(welcome("clerk", { admitted: true, takes_path: true }), { type: "peer-joined", epoch: "z2" });
    peer().showCode();
    await settle();
    expect(sockets.at(-1)?.sent.at(-1)).toMatchObject({ type: "path", path: "host", transport: "udp", again: false });
  });

  it("makes a new connection with its own certificate for a reloaded citizen (new epoch)", async () => {
    await say(welcome("clerk", { admitted: true, peer: { present: true, epoch: "z1" } }));
    peer().showCode();
    await say({ type: "peer-joined", epoch: "z2" });
    expect(peers).toHaveLength(2);
    expect(peers[0]?.did).toContain("close");
    expect(peer().options.certificate).toBe(peers[0]?.options.certificate);
    expect(now().verification).toEqual({ state: "idle", code: null, failure: null });
    expect(now().remoteStream).toBeNull();
  });

  it("drops descriptions and candidates of another page load", async () => {
    await say(welcome("clerk", { admitted: true, peer: { present: true, epoch: "z2" } }));
    await say({ type: "description", epoch: "z1", description: { type: "answer", sdp: "" } }, { type: "candidate", epoch: "z1", candidate: null });
    expect(peer().did).toEqual(["offer"]);
  });

  it("restarts when the citizen asks for it", async () => {
    await say(welcome("clerk", { admitted: true, peer: { present: true, epoch: "z1" } }), { type: "restart-request" });
    expect(peer().did).toEqual(["offer", "restart"]);
  });

  it("never connects again in this call once the code was refused", async () => {
    await say(welcome("clerk", { admitted: true, peer: { present: true, epoch: "z1" } }));
    peer().showCode();
    call.rejectCode();
    expect(now().verification).toEqual({ state: "failed", code: null, failure: "rejected" });
    expect(now().remoteStream).toBeNull();
    expect(peer().did).toContain("refuse");
    await say({ type: "peer-joined", epoch: "z2" });
    expect(peers).toHaveLength(1);
    expect(now().verification.state).toBe("failed");
  });
});

describe("the citizen", () => {
  beforeEach(() => begin("citizen"));

  it("waits, and hears honestly how long", async () => {
    await say(welcome("citizen"), { type: "waiting", ahead: 2, estimate_seconds: null, clerk_present: false });
    expect(now()).toMatchObject({ phase: "waiting", waiting: { ahead: 2, estimateSeconds: null, clerkPresent: false } });
  });

  it("answers offers, never makes one", async () => {
    await say(welcome("citizen", { peer: { present: true, epoch: "k1" } }), { type: "admitted" });
    expect(peers).toHaveLength(0);
    await say(offer("k1"), { type: "candidate", epoch: "k1", candidate: { candidate: "x" } });
    expect(peer().did).toEqual(["offer", "candidate"]);
    expect(sent()).toEqual([]);
  });

  it("shows the other side only once the code exists", async () => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    peer().options.onconnection("connected");
    peer().options.onverification({ state: "running", code: null, failure: null });
    expect(now().remoteStream).toBeNull();
    expect(call.stage.sendField("x", "y", "z")).toBe(false);
    peer().showCode();
    expect(now().remoteStream).toBe(peer().remoteStream);
    call.confirmCode();
    expect(now().verification).toEqual({ state: "confirmed", code: "123 456", failure: null });
  });

  it("hands camera and microphone to the connection and says what is switched on", async () => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    peer().showCode();
    media.patch({ videoTrack: new FakeTrack("video") as unknown as MediaStreamTrack });
    expect(peer().tracks?.video).not.toBeNull();
    expect(peer().stageChannel.sent.at(-1)).toBe('{"type":"media","camera":true,"microphone":false}');
  });

  it("comes with a new certificate after having been sent back to the waiting room", async () => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    peer().showCode();
    await say({ type: "dismissed" });
    expect(now()).toMatchObject({ phase: "waiting", connection: "none", remoteStream: null });
    await say({ type: "admitted" }, offer("k1"));
    expect(peers).toHaveLength(2);
    expect(certificates).toBe(2);
  });

  it("notices on return that it was sent back meanwhile", async () => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    peer().showCode();
    await say(welcome("citizen"));
    expect(now()).toMatchObject({ phase: "waiting", connection: "none" });
  });

  it("goes on with the call while signaling is away, and repairs afterwards what broke meanwhile", async () => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    peer().showCode();
    await clock.pass(6000);
    expect(now()).toMatchObject({ phase: "in_call", signaling: "reconnecting", connection: "connected" });
    peer().options.onconnection("interrupted");
    await clock.pass(1000);
    await settle();
    await say(welcome("citizen", { admitted: true }));
    expect(now().signaling).toBe("open");
    expect(peer().did.at(-1)).toBe("restart");
  });

  it("refetches the case on every push and after every return", async () => {
    const hints: unknown[] = [];
    call.onCaseChanged((hint) => hints.push(hint));
    await say(welcome("citizen"), { type: "case-changed", subject: "casework.stage_changed.v1", stage: "identity", revision: 4 });
    await say({ type: "case-changed", subject: "casework.signed.v1" });
    expect(hints).toEqual([{ stage: "talk", revision: 1 }, { stage: "identity", revision: 4 }, { stage: "identity", revision: 4 }]);
  });

  it("gets the ICE servers it asked for, and goes on with the old ones when no answer comes", async () => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    const first = peer().options.refreshIceServers();
    expect(sent()).toEqual(["ice-servers"]);
    await say({ type: "ice-servers", ice_servers: [{ urls: ["turn:x"] }] });
    expect(await first).toEqual([{ urls: ["turn:x"] }]);
    const second = peer().options.refreshIceServers();
    await clock.pass(2500);
    expect(await second).toEqual([{ urls: ["turn:x"] }]);
  });

  it("does not cut people off when the case is completed, but ends when one hangs up", async () => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    peer().showCode();
    await say({ type: "closed", reason: "completed" });
    expect(now()).toMatchObject({ phase: "in_call", completed: true, connection: "connected" });
    peer().options.onclosed();
    expect(now()).toMatchObject({ phase: "ended", ended: "completed", remoteStream: null });
  });

  it.each([["cancelled"], ["rescheduled"], ["expired"], ["aborted"], ["replaced"], ["left"]])("ends at once when the room is closed: %s", async (reason) => {
    await say(welcome("citizen", { admitted: true }), offer("k1"));
    peer().showCode();
    await say({ type: "closed", reason });
    expect(now()).toMatchObject({ phase: "ended", ended: reason, signaling: "closed" });
    expect(peer().did).toContain("close");
  });

  it("hangs up with a word to the server", async () => {
    await say(welcome("citizen", { admitted: true }));
    call.leave();
    expect(sent()).toEqual(["leave"]);
    expect(now()).toMatchObject({ phase: "ended", ended: "left" });
  });
});
