/**
 * One RTCPeerConnection: from the first offer to the verification code and through every ICE restart.
 *
 * Perfect negotiation with fixed parts: the clerk makes the first offer and every restart, the citizen answers and may
 * ask for a restart (both offering at once stalled one join in ten). Our own tracks are attached to the senders only once
 * the verification code exists, and are taken off for good when it fails: before that, not a packet of picture or sound
 * leaves this browser.
 */

import { readFingerprints } from "./certificates";
import { type Clock, systemClock } from "./clock";
import type { Candidate, ClientMessage, Description, IceServer, Role } from "./protocol";
import { REFUSE, type SasState, Verification } from "./sas";

export type PeerConnectionState = "connecting" | "connected" | "interrupted" | "failed";
export type OwnTracks = { audio: MediaStreamTrack | null; video: MediaStreamTrack | null };

export interface PeerOptions {
  role: Role;
  callId: string;
  certificate: RTCCertificate;
  iceServers: IceServer[];
  /** New TURN credentials; old ones are refused once expired, though a running call outlives them. */
  refreshIceServers: () => Promise<IceServer[]>;
  send: (message: ClientMessage) => void;
  onconnection: (state: PeerConnectionState) => void;
  onverification: (state: SasState) => void;
  /** The other side closed its end. */
  onclosed: () => void;
  iceTransportPolicy?: RTCIceTransportPolicy;
  createConnection?: (configuration: RTCConfiguration) => RTCPeerConnection;
  readFingerprints?: typeof readFingerprints;
  clock?: Clock;
}

const WATCHDOG_MS = 3000;
const LONGEST_WATCHDOG_MS = 12_000;
/** A last small frame that has not left by then does not leave. */
const LAST_WORD_MS = 500;

export class Peer {
  readonly stageChannel: RTCDataChannel;
  readonly remoteStream = new MediaStream();
  readonly #pc: RTCPeerConnection;
  readonly #sasChannel: RTCDataChannel;
  readonly #verification: Verification;
  readonly #clock: Clock;
  #tracks: OwnTracks = { audio: null, video: null };
  #connection: PeerConnectionState = "connecting";
  #open = false;
  #closed = false;
  #restarting = false;
  #attempts = 0;
  #cancelWatchdog: (() => void) | null = null;
  #earlyCandidates: Candidate[] = [];
  /** Signaling is handled strictly one after the other; WebRTC's own steps are asynchronous. */
  #queue: Promise<void> = Promise.resolve();

  constructor(private readonly options: PeerOptions) {
    this.#clock = options.clock ?? systemClock;
    const create = options.createConnection ?? ((configuration) => new RTCPeerConnection(configuration));
    this.#pc = create(this.#configuration(options.iceServers));
    this.#sasChannel = this.#pc.createDataChannel("sas", { negotiated: true, id: 0, ordered: true });
    this.stageChannel = this.#pc.createDataChannel("stage", { negotiated: true, id: 1, ordered: true });
    this.#verification = new Verification({
      role: options.role,
      callId: options.callId,
      readFingerprints: () => (options.readFingerprints ?? readFingerprints)(this.#pc, options.certificate),
      send: (frame) => this.#sasChannel.send(frame),
      onchange: (state) => this.#verified(state),
    });
    this.#listen();
    if (options.role === "clerk") {
      for (const kind of ["audio", "video"]) this.#pc.addTransceiver(kind, { direction: "sendrecv" });
    }
    this.#armWatchdog();
  }

  get verification(): Verification {
    return this.#verification;
  }

  /** The clerk's first offer, or the unanswered one again (it may have been lost while signaling was away). */
  offer(): void {
    void this.#enqueue(async () => {
      if (this.#pc.signalingState === "have-local-offer") this.#sendDescription();
      else await this.#makeOffer();
    });
  }

  /** Repairs the connection: the clerk restarts ICE with new credentials, the citizen asks for it. */
  restart(): void {
    if (this.#closed || this.#restarting) return;
    if (this.options.role === "citizen") {
      this.options.send({ type: "restart-request" });
      return;
    }
    this.#restarting = true;
    void this.#enqueue(async () => {
      try {
        await this.#renewCredentials();
        if (this.#pc.signalingState === "have-local-offer") await this.#pc.setLocalDescription({ type: "rollback" });
        this.#pc.restartIce();
        await this.#makeOffer();
      } finally {
        this.#restarting = false;
      }
    });
  }

  receiveDescription(description: Description): void {
    void this.#enqueue(async () => {
      if (this.options.role === "clerk") {
        // The clerk alone offers, so an answer without an open offer is a leftover of an earlier exchange.
        if (description.type !== "answer" || this.#pc.signalingState !== "have-local-offer") return;
        await this.#pc.setRemoteDescription(description);
        await this.#addEarlyCandidates();
      } else if (description.type === "offer") {
        await this.#answer(description);
      }
      await this.#progress();
    });
  }

  receiveCandidate(candidate: Candidate | null): void {
    void this.#enqueue(async () => {
      if (!candidate) return;
      if (!this.#pc.remoteDescription) this.#earlyCandidates.push(candidate);
      else await this.#add(candidate);
    });
  }

  /** Our camera and microphone as they are now; sent once, and as long as, the code stands. */
  setTracks(tracks: OwnTracks): void {
    this.#tracks = tracks;
    this.#applyTracks();
  }

  async stats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  close(): void {
    if (this.#closed) return;
    this.#fallSilent();
    this.#pc.close();
  }

  /**
   * Closes for good after telling the other side that the verification failed. Our picture and sound stopped with the
   * failure; what the other side sends is taken in until this word has left, and no longer.
   */
  refuse(): void {
    if (this.#closed) return;
    this.#fallSilent();
    const channel = this.#sasChannel;
    if (channel.readyState !== "open") return this.#pc.close();
    const giveUp = this.#clock.after(LAST_WORD_MS, () => this.#pc.close());
    channel.onbufferedamountlow = () => {
      giveUp();
      this.#pc.close();
    };
    channel.send(REFUSE);
  }

  #fallSilent(): void {
    this.#closed = true;
    this.#cancelWatchdog?.();
    this.#pc.onconnectionstatechange = this.#pc.onicecandidate = this.#pc.ontrack = this.#pc.onsignalingstatechange = null;
    this.#sasChannel.onmessage = this.#sasChannel.onopen = this.#sasChannel.onclose = null;
  }

  #configuration(iceServers: IceServer[]): RTCConfiguration {
    const { certificate, iceTransportPolicy } = this.options;
    return {
      iceServers,
      certificates: [certificate],
      bundlePolicy: "max-bundle",
      ...(iceTransportPolicy ? { iceTransportPolicy } : {}),
    };
  }

  #listen(): void {
    const pc = this.#pc;
    pc.onicecandidate = ({ candidate }) =>
      this.options.send({ type: "candidate", candidate: candidate ? plainCandidate(candidate) : null });
    pc.ontrack = ({ track }) => this.remoteStream.addTrack(track);
    pc.onconnectionstatechange = () => this.#connectionChanged();
    pc.onsignalingstatechange = () => void this.#progress();
    this.#sasChannel.onopen = () => void this.#progress();
    this.#sasChannel.onmessage = ({ data }) => void this.#verification.receive(data);
    this.#sasChannel.onclose = () => {
      if (!this.#closed) this.options.onclosed();
    };
  }

  /** Starts the verification once connected, stable and open; looks at the certificates again at every later change. */
  async #progress(): Promise<void> {
    const ready =
      this.#pc.connectionState === "connected" && this.#pc.signalingState === "stable" && this.#sasChannel.readyState === "open";
    if (!ready || this.#closed) return;
    if (this.#verification.state.state === "idle") await this.#verification.start();
    else await this.#verification.recheck();
  }

  #connectionChanged(): void {
    const state = this.#pc.connectionState;
    if (state === "connected") {
      this.#attempts = 0;
      this.#cancelWatchdog?.();
      this.#report("connected");
      void this.#progress();
    } else if (state === "failed") {
      // A refused certificate is no broken path: no restart mends it, and it must not look like one.
      if (this.#pc.sctp?.transport.state === "failed") {
        this.#cancelWatchdog?.();
        this.#verification.fail("certificate_changed");
        this.#report("failed");
        return;
      }
      this.#report("interrupted");
      this.restart();
      this.#armWatchdog();
    } else if (state === "disconnected") {
      this.#report("interrupted");
      this.#armWatchdog();
    }
  }

  #armWatchdog(): void {
    this.#cancelWatchdog?.();
    // Ever longer, so that a path which only needs more time is not restarted for ever before it stands.
    const wait = Math.min(LONGEST_WATCHDOG_MS, WATCHDOG_MS * (1 + this.#attempts));
    this.#cancelWatchdog = this.#clock.after(wait, () => {
      if (this.#closed || this.#pc.connectionState === "connected") return;
      this.#attempts += 1;
      this.restart();
      this.#armWatchdog();
    });
  }

  #report(state: PeerConnectionState): void {
    if (this.#connection === state) return;
    this.#connection = state;
    this.options.onconnection(state);
  }

  async #makeOffer(): Promise<void> {
    await this.#pc.setLocalDescription();
    this.#sendDescription();
  }

  async #answer(offer: Description): Promise<void> {
    const restarted = this.#pc.remoteDescription !== null && iceUser(this.#pc.remoteDescription.sdp) !== iceUser(offer.sdp);
    if (restarted) await this.#renewCredentials();
    await this.#pc.setRemoteDescription(offer);
    for (const transceiver of this.#pc.getTransceivers()) transceiver.direction = "sendrecv";
    await this.#addEarlyCandidates();
    await this.#pc.setLocalDescription();
    this.#applyTracks();
    this.#sendDescription();
  }

  async #renewCredentials(): Promise<void> {
    this.#pc.setConfiguration(this.#configuration(await this.options.refreshIceServers()));
  }

  #sendDescription(): void {
    const description = this.#pc.localDescription;
    if (description?.type === "offer" || description?.type === "answer") {
      this.options.send({ type: "description", description: { type: description.type, sdp: description.sdp } });
    }
  }

  async #addEarlyCandidates(): Promise<void> {
    for (const candidate of this.#earlyCandidates.splice(0)) await this.#add(candidate);
  }

  async #add(candidate: Candidate): Promise<void> {
    try {
      await this.#pc.addIceCandidate(candidate);
    } catch (error) {
      // A candidate of the generation before a restart fits no longer; ICE has the others.
      console.info("candidate left out", error);
    }
  }

  #verified(state: SasState): void {
    this.#open = state.state === "code";
    this.#applyTracks();
    this.options.onverification(state);
  }

  #applyTracks(): void {
    if (this.#closed) return;
    for (const transceiver of this.#pc.getTransceivers()) {
      const kind = transceiver.receiver.track.kind === "audio" ? "audio" : "video";
      const track = this.#open ? this.#tracks[kind] : null;
      if (transceiver.sender.track !== track) void transceiver.sender.replaceTrack(track);
    }
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        // The watchdog tries again; a failed step must not stop those behind it.
        if (!this.#closed) console.warn("negotiation step failed", error);
      }
    });
    return this.#queue;
  }
}

/** Exactly the four members of the protocol, whatever a browser adds to `toJSON()`. */
function plainCandidate({ candidate, sdpMid, sdpMLineIndex, usernameFragment }: RTCIceCandidate): Candidate {
  return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
}

/** The ICE user name of a description: it changes exactly when ICE is restarted. */
function iceUser(sdp: string): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}
