import { beforeEach, describe, expect, it, vi } from "vitest";

import type { readFingerprints } from "./certificates";
import { Peer, type PeerOptions } from "./peer";
import type { ClientMessage, Role } from "./protocol";
import { commitment, REFUSE, type SasState } from "./sas";
import { FakeStream, FakeTrack, ManualClock, settle } from "./testing";

vi.stubGlobal("MediaStream", FakeStream);

class FakeChannel {
  readyState = "connecting";
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onbufferedamountlow: (() => void) | null = null;
  send = (text: string): void => void this.sent.push(text);
}

interface FakeTransceiver {
  direction: string;
  receiver: { track: { kind: string } };
  sender: { track: unknown; replaceTrack: (track: unknown) => Promise<void> };
}

/** As much of RTCPeerConnection as negotiation touches. */
class FakeConnection {
  connectionState = "new";
  signalingState = "stable";
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  sctp = { transport: { state: "connected" } };
  channels: FakeChannel[] = [];
  transceivers: FakeTransceiver[] = [];
  candidates: unknown[] = [];
  restarts = 0;
  configured: RTCConfiguration[] = [];
  onconnectionstatechange: (() => void) | null = null;
  onsignalingstatechange: (() => void) | null = null;
  onicecandidate: unknown = null;
  ontrack: unknown = null;

  createDataChannel = (): FakeChannel => {
    const channel = new FakeChannel();
    this.channels.push(channel);
    return channel;
  };
  addTransceiver = (kind: string, { direction }: { direction: string }): void => {
    const sender = { track: null as unknown, replaceTrack: (track: unknown) => Promise.resolve(void (sender.track = track)) };
    this.transceivers.push({ direction, receiver: { track: { kind } }, sender });
  };
  getTransceivers = (): FakeTransceiver[] => this.transceivers;
  setConfiguration = (configuration: RTCConfiguration): void => void this.configured.push(configuration);
  restartIce = (): void => void (this.restarts += 1);
  addIceCandidate = (candidate: unknown): Promise<void> => Promise.resolve(void this.candidates.push(candidate));
  setLocalDescription = (description?: { type: string }): Promise<void> => {
    if (description?.type === "rollback") this.signalingState = "stable";
    else {
      const answering = this.signalingState === "have-remote-offer";
      this.signalingState = answering ? "stable" : "have-local-offer";
      this.localDescription = { type: answering ? "answer" : "offer", sdp: `a=ice-ufrag:own${this.restarts}` };
    }
    return Promise.resolve();
  };
  setRemoteDescription = (description: { type: string; sdp: string }): Promise<void> => {
    this.remoteDescription = description;
    this.signalingState = description.type === "offer" ? "have-remote-offer" : "stable";
    if (description.type === "offer" && this.transceivers.length === 0) {
      for (const kind of ["audio", "video"]) this.addTransceiver(kind, { direction: "recvonly" });
    }
    return Promise.resolve();
  };
  closings = 0;
  close = (): void => {
    this.closings += 1;
    this.connectionState = "closed";
  };
  becomes(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

const pair = { own: "aa".repeat(32), remote: "bb".repeat(32) };
let pc: FakeConnection;
let clock: ManualClock;
let sent: ClientMessage[];
let states: string[];
let sas: SasState[];
let peer: Peer;
const camera = new FakeTrack("video") as unknown as MediaStreamTrack;

function begin(role: Role): void {
  pc = new FakeConnection();
  clock = new ManualClock();
  [sent, states, sas] = [[], [], []];
  const options: PeerOptions = {
    role,
    callId: "call",
    certificate: {} as RTCCertificate,
    iceServers: [],
    refreshIceServers: () => Promise.resolve([{ urls: "turn:fresh" }]),
    send: (message) => sent.push(message),
    onconnection: (state) => states.push(state),
    onverification: (state) => sas.push(state),
    onclosed: () => states.push("closed by the other side"),
    createConnection: () => pc as unknown as RTCPeerConnection,
    readFingerprints: (() => Promise.resolve({ ...pair })) as typeof readFingerprints,
    clock,
  };
  peer = new Peer(options);
}

const channel = (): FakeChannel => pc.channels[0] as FakeChannel;
const types = (): string[] => sent.map((message) => (message.type === "description" ? message.description.type : message.type));
const videoSent = (): unknown => pc.transceivers.find(({ receiver }) => receiver.track.kind === "video")?.sender.track ?? null;

async function connect(): Promise<void> {
  channel().readyState = "open";
  channel().onopen?.();
  pc.becomes("connected");
  // Hashing runs outside the microtask queue.
  await vi.waitFor(() => expect(sas.at(-1)?.state).toBe("running"));
}

describe("the clerk's connection", () => {
  beforeEach(() => begin("clerk"));

  it("offers once, and sends the same offer again when asked before the answer", async () => {
    peer.offer();
    peer.offer();
    await settle();
    expect(types()).toEqual(["offer", "offer"]);
    expect(sent[0]).toEqual(sent[1]);
  });

  it("sends no track before the verification code, all of them after it, none once it fails", async () => {
    peer.setTracks({ audio: null, video: camera });
    peer.offer();
    await settle();
    peer.receiveDescription({ type: "answer", sdp: "" });
    await settle();
    await connect();
    expect(videoSent()).toBeNull();
    const nonce = new Uint8Array(32);
    channel().onmessage?.({ data: JSON.stringify({ type: "commit", value: await commitment("call", pair.remote, nonce) }) });
    await vi.waitFor(() => expect(channel().sent).toHaveLength(1));
    expect(videoSent()).toBeNull();
    channel().onmessage?.({ data: JSON.stringify({ type: "reveal", value: "00".repeat(32) }) });
    await vi.waitFor(() => expect(sas.at(-1)?.state).toBe("code"));
    expect(videoSent()).toBe(camera);
    channel().onmessage?.({ data: "anything more" });
    await vi.waitFor(() => expect(sas.at(-1)?.state).toBe("failed"));
    expect(videoSent()).toBeNull();
    peer.setTracks({ audio: null, video: new FakeTrack("video") as unknown as MediaStreamTrack });
    expect(videoSent()).toBeNull();
  });

  it("tells the other side when it gives up, and closes once that has left: nothing is received any more", async () => {
    await connect();
    peer.refuse();
    expect(channel().sent.at(-1)).toBe(REFUSE);
    expect(pc.connectionState).toBe("connected");
    channel().onbufferedamountlow?.();
    expect(pc.connectionState).toBe("closed");
    await clock.pass(500);
    expect(pc.closings).toBe(1);
  });

  it("closes after half a second when its last word cannot leave", async () => {
    await connect();
    peer.refuse();
    await clock.pass(500);
    expect(pc.connectionState).toBe("closed");
  });

  it("closes at once when there is no channel to say a last word on", () => {
    peer.refuse();
    expect(channel().sent).toEqual([]);
    expect(pc.connectionState).toBe("closed");
  });

  it("ignores offers (it alone makes them) and answers to nothing", async () => {
    peer.receiveDescription({ type: "offer", sdp: "" });
    peer.receiveDescription({ type: "answer", sdp: "" });
    await settle();
    expect(pc.remoteDescription).toBeNull();
  });

  it("keeps candidates that come before the answer", async () => {
    peer.offer();
    peer.receiveCandidate({ candidate: "early" });
    peer.receiveCandidate(null);
    await settle();
    expect(pc.candidates).toEqual([]);
    peer.receiveDescription({ type: "answer", sdp: "" });
    await settle();
    expect(pc.candidates).toEqual([{ candidate: "early" }]);
  });

  it("restarts ICE with fresh credentials after three seconds without a connection, then ever more patiently", async () => {
    peer.offer();
    await clock.pass(2500);
    expect(pc.restarts).toBe(0);
    await clock.pass(500);
    expect(pc.restarts).toBe(1);
    expect(pc.configured[0]?.iceServers).toEqual([{ urls: "turn:fresh" }]);
    await clock.pass(3000);
    expect(pc.restarts).toBe(1);
    await clock.pass(3000);
    expect(pc.restarts).toBe(2);
  });

  it("repairs a path that was lost, and leaves one alone that came back by itself", async () => {
    await connect();
    pc.becomes("disconnected");
    await clock.pass(2000);
    pc.becomes("connected");
    await clock.pass(10_000);
    expect(pc.restarts).toBe(0);
    pc.becomes("failed");
    await settle();
    expect(pc.restarts).toBe(1);
    expect(states).toEqual(["connected", "interrupted", "connected", "interrupted"]);
  });

  it("takes a refused certificate for what it is: final, no restart", async () => {
    pc.sctp.transport.state = "failed";
    pc.becomes("failed");
    await clock.pass(10_000);
    expect(pc.restarts).toBe(0);
    expect(sas.at(-1)).toEqual({ state: "failed", code: null, failure: "certificate_changed" });
  });

  it("says when the other side closed, but not when we did", async () => {
    await connect();
    channel().onclose?.();
    expect(states.at(-1)).toBe("closed by the other side");
    states.length = 0;
    peer.close();
    channel().onclose?.();
    expect(states).toEqual([]);
  });
});

describe("the citizen's connection", () => {
  beforeEach(() => begin("citizen"));

  it("answers an offer and sends in both directions", async () => {
    peer.receiveDescription({ type: "offer", sdp: "a=ice-ufrag:one" });
    await settle();
    expect(types()).toEqual(["answer"]);
    expect(pc.transceivers.map(({ direction }) => direction)).toEqual(["sendrecv", "sendrecv"]);
    expect(pc.configured).toEqual([]);
  });

  it("takes fresh credentials before it answers a restart", async () => {
    peer.receiveDescription({ type: "offer", sdp: "a=ice-ufrag:one" });
    peer.receiveDescription({ type: "offer", sdp: "a=ice-ufrag:two" });
    await settle();
    expect(types()).toEqual(["answer", "answer"]);
    expect(pc.configured).toHaveLength(1);
  });

  it("asks the clerk for a restart instead of making one", async () => {
    pc.becomes("failed");
    await clock.pass(3000);
    expect(types()).toEqual(["restart-request", "restart-request"]);
    expect(pc.restarts).toBe(0);
  });
});
