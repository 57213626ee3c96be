/**
 * The view model of a call: one state, few methods. Pages draw the state and call the methods; nothing here knows a page.
 *
 * Signaling brings the two together and may come and go; the peer connection, once up, does not depend on it. A new epoch of
 * the other side (a reload) means a new connection; the same epoch means the connection we have goes on.
 */

import { State, type Told } from "../state";

import { CertificateError, generateCertificate, readFingerprints } from "./certificates";
import { type Clock, systemClock } from "./clock";
import type { LocalMedia, MediaState } from "./media";
import { PathTeller } from "./path";
import { Peer, type PeerConnectionState, type PeerOptions } from "./peer";
import type { IceServer, Role, ServerMessage, StageHint, Welcome } from "./protocol";
import type { SasFailure, SasState } from "./sas";
import { type EndReason, SignalingClient, type SignalingOptions, type SignalingState } from "./signaling-client";
import { StageChannel } from "./stage-channel";
import type { Ticket } from "./tickets";

export type EndedReason = EndReason | "unsupported";

export interface VerificationState {
  state: "idle" | "running" | "code" | "confirmed" | "failed";
  code: string | null;
  failure: SasFailure | null;
}

export interface CallState {
  phase: "connecting" | "waiting" | "in_call" | "ended";
  signaling: SignalingState;
  peerPresent: boolean;
  connection: "none" | PeerConnectionState;
  waiting: { ahead: number; estimateSeconds: number | null; clerkPresent: boolean } | null;
  verification: VerificationState;
  remoteStream: MediaStream | null;
  remoteMedia: { camera: boolean; microphone: boolean };
  stage: StageHint | null;
  /** The case is completed; the two may still say goodbye, until one hangs up. */
  completed: boolean;
  ended: EndedReason | null;
  problem: string | null;
}

export interface CallOptions {
  role: Role;
  appointmentId: string;
  media: Pick<LocalMedia, "state" | "setDetail">;
  ticket: () => Promise<Ticket>;
  /** `relay` hides this device's addresses from the other side. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  clock?: Clock;
  signaling?: Partial<SignalingOptions>;
  generateCertificate?: () => Promise<RTCCertificate>;
  createPeer?: (options: PeerOptions) => Peer;
}

const NO_VERIFICATION: VerificationState = { state: "idle", code: null, failure: null };
const NOTHING_REMOTE = { connection: "none", remoteStream: null, remoteMedia: { camera: true, microphone: true } } as const;
const ICE_SERVERS_WAIT_MS = 2000;
/** Each run is one blind guess for whoever sits in between, so a call grants him only a few reloads. */
const MOST_RUNS = 10;

export class Call {
  readonly state: Told<CallState>;
  readonly stage: Pick<StageChannel, "sendField" | "onField">;
  readonly #store = new State<CallState>({
    phase: "connecting", signaling: "connecting", peerPresent: false, ...NOTHING_REMOTE, waiting: null,
    verification: NO_VERIFICATION, stage: null, completed: false, ended: null, problem: null,
  });
  #now!: CallState;
  readonly #stageChannel: StageChannel;
  readonly #signaling: SignalingClient;
  readonly #clock: Clock;
  readonly #caseListeners = new Set<(hint: StageHint | null) => void>();
  readonly #usedPairs = new Set<string>();
  #certificate: Promise<RTCCertificate> | null = null;
  #iceServers: IceServer[] = [];
  #awaitingIceServers: ((servers: IceServer[]) => void) | null = null;
  #peer: Peer | null = null;
  #path: PathTeller | null = null;
  #takesPath = false;
  #peerEpoch: string | null = null;
  #media: MediaState | null = null;
  #stopMedia: (() => void) | null = null;
  #destroyed = false;
  #queue: Promise<void> = Promise.resolve();

  constructor(private readonly options: CallOptions) {
    this.#clock = options.clock ?? systemClock;
    this.state = this.#store;
    this.#store.subscribe((state) => (this.#now = state));
    this.#stageChannel = new StageChannel(({ camera, microphone }) => this.#set({ remoteMedia: { camera, microphone } }));
    this.stage = this.#stageChannel;
    this.#signaling = new SignalingClient({
      ticket: options.ticket,
      onmessage: (message) => this.#enqueue(message),
      onstate: (signaling) => this.#signalingChanged(signaling),
      onticket: ({ ice_servers }) => (this.#iceServers = ice_servers as IceServer[]),
      onend: (reason) => this.#signalingEnded(reason),
      onproblem: (problem) => this.#set({ problem }),
      clock: this.#clock,
      ...options.signaling,
    });
  }

  start(): void {
    if (this.options.generateCertificate === undefined && typeof RTCPeerConnection === "undefined") {
      this.#end("unsupported");
      return;
    }
    this.#stopMedia = this.options.media.state.subscribe((media) => this.#mediaChanged(media));
    this.#signaling.start();
  }

  /** Clerk: lets the citizen in. */
  admit(): void {
    this.#signaling.send({ type: "admit" });
  }

  /** Clerk: sends the citizen back to the waiting room. */
  dismiss(): void {
    this.#signaling.send({ type: "dismiss" });
  }

  /** The person compared the codes: they are the same. */
  confirmCode(): void {
    const { verification } = this.#now;
    if (verification.state === "code") this.#set({ verification: { ...verification, state: "confirmed" } });
  }

  /** The person compared the codes: they differ. Final for this call. */
  rejectCode(): void {
    this.#peer?.verification.fail("rejected");
  }

  setDetail(detail: boolean): Promise<void> {
    return this.options.media.setDetail(detail);
  }

  /** Pushed changes of the case, and one call after every (re)connect, since pushes may have been missed. */
  onCaseChanged(listener: (hint: StageHint | null) => void): () => void {
    this.#caseListeners.add(listener);
    return () => this.#caseListeners.delete(listener);
  }

  /** Measurements of the connection, or null when there is none. */
  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#peer?.stats()) ?? null;
  }

  /** Hangs up. */
  leave(): void {
    this.#signaling.send({ type: "leave" });
    this.#end(this.#now.completed ? "completed" : "left");
  }

  /** Takes everything down without a word to the other side (the page goes away). */
  destroy(): void {
    this.#destroyed = true;
    this.#signaling.stop();
    this.#closePeer();
    this.#stopMedia?.();
  }

  #enqueue(message: ServerMessage): void {
    this.#queue = this.#queue.then(() => this.#handle(message)).catch((error: unknown) => console.error("signaling message failed", error));
  }

  async #handle(message: ServerMessage): Promise<void> {
    if (this.#destroyed) return;
    switch (message.type) {
      case "welcome":
        return this.#welcome(message);
      case "peer-joined":
        this.#set({ peerPresent: true });
        return this.#meet(message.epoch);
      case "peer-left":
        return this.#set({ peerPresent: false });
      case "waiting":
        return this.#set({
          waiting: { ahead: message.ahead, estimateSeconds: message.estimate_seconds, clerkPresent: message.clerk_present },
        });
      case "admitted":
        this.#set({ phase: "in_call", waiting: null });
        return this.#meet(this.#peerEpoch);
      case "dismissed":
        return this.#dismissed();
      case "description":
        if (this.options.role === "citizen" && message.description.type === "offer") await this.#ensurePeer(message.epoch);
        if (message.epoch === this.#peerEpoch) this.#peer?.receiveDescription(message.description);
        return;
      case "candidate":
        if (message.epoch === this.#peerEpoch) this.#peer?.receiveCandidate(message.candidate);
        return;
      case "restart-request":
        return this.#peer?.restart();
      case "ice-servers":
        this.#iceServers = message.ice_servers;
        return this.#awaitingIceServers?.(message.ice_servers);
      case "case-changed":
        return this.#caseChanged(message.stage ? { stage: message.stage, revision: message.revision ?? 0 } : this.#now.stage);
    }
  }

  async #welcome(message: Welcome): Promise<void> {
    const wasAdmitted = this.#now.phase === "in_call";
    this.#takesPath = message.takes_path;
    this.#set({
      phase: message.admitted ? "in_call" : "waiting",
      peerPresent: message.peer?.present ?? false,
      problem: null,
      ...(message.admitted ? { waiting: null } : {}),
    });
    // Sent back to the waiting room while we were away.
    if (wasAdmitted && !message.admitted) this.#dismissed();
    this.#caseChanged(message.stage ?? this.#now.stage);
    if (message.peer?.present) await this.#meet(message.peer.epoch);
  }

  /** The other side is there: the clerk connects to it, the citizen waits for the offer. */
  async #meet(epoch: string | null): Promise<void> {
    if (epoch === null) return;
    if (this.options.role === "citizen") return;
    if (this.#now.phase !== "in_call") {
      this.#peerEpoch = epoch;
      return;
    }
    const isNew = await this.#ensurePeer(epoch);
    if (isNew || this.#now.connection !== "connected") this.#peer?.offer();
  }

  /** Makes the connection for that page load of the other side, unless it stands already. True when it is new. */
  async #ensurePeer(epoch: string): Promise<boolean> {
    if (this.#peer && this.#peerEpoch === epoch) return false;
    if (this.#now.verification.state === "failed") return false;
    this.#closePeer();
    this.#certificate ??= (this.options.generateCertificate ?? generateCertificate)();
    const certificate = await this.#certificate;
    if (this.#destroyed) return false;
    this.#peerEpoch = epoch;
    const create = this.options.createPeer ?? ((options) => new Peer(options));
    const peer = create({
      role: this.options.role,
      callId: this.options.appointmentId,
      certificate,
      iceServers: this.#iceServers,
      refreshIceServers: () => this.#refreshIceServers(),
      send: (out) => void this.#signaling.send(out),
      onconnection: (connection) => this.#connectionChanged(connection),
      onverification: (sas) => this.#verified(peer, sas),
      onclosed: () => this.#peerClosed(),
      readFingerprints: this.#oncePerPair(),
      clock: this.#clock,
      ...(this.options.iceTransportPolicy ? { iceTransportPolicy: this.options.iceTransportPolicy } : {}),
    });
    this.#peer = peer;
    this.#path = new PathTeller(this.#clock, () => peer.stats(), (found) => void (this.#takesPath && this.#signaling.send(found)));
    this.#stageChannel.attach(peer.stageChannel);
    this.#set({ connection: "connecting" });
    if (this.#media) peer.setTracks({ audio: this.#media.audioTrack, video: this.#media.videoTrack });
    return true;
  }

  /** Reads certificates for one connection; its first reading must be a pair that had no run yet in this call. */
  #oncePerPair(): typeof readFingerprints {
    let first = true;
    return async (pc, certificate) => {
      const pair = await readFingerprints(pc, certificate);
      const key = `${pair.own} ${pair.remote}`;
      if (first && (this.#usedPairs.has(key) || this.#usedPairs.size >= MOST_RUNS)) {
        throw new CertificateError("certificate_changed", "this pair of certificates was verified before");
      }
      first = false;
      this.#usedPairs.add(key);
      return pair;
    };
  }

  #verified(peer: Peer, sas: SasState): void {
    if (peer !== this.#peer) return;
    const trusted = sas.state === "code";
    this.#stageChannel.trust(trusted);
    this.#set({ verification: { ...sas }, remoteStream: trusted ? peer.remoteStream : null });
    if (trusted) this.#announceMedia();
    if (sas.state === "failed") {
      peer.refuse();
      this.#closePeer();
    }
  }

  #mediaChanged(media: MediaState): void {
    this.#media = media;
    this.#peer?.setTracks({ audio: media.audioTrack, video: media.videoTrack });
    this.#announceMedia();
  }

  #announceMedia(): void {
    if (!this.#media) return;
    const { videoTrack, audioTrack, microphoneMuted } = this.#media;
    this.#stageChannel.send({ type: "media", camera: videoTrack !== null, microphone: audioTrack !== null && !microphoneMuted });
  }

  #dismissed(): void {
    this.#closePeer();
    // One run per pair of certificates: whoever is admitted again comes with a new one.
    if (this.options.role === "citizen") this.#certificate = null;
    this.#set({ phase: "waiting" });
  }

  #closePeer(): void {
    this.#peer?.close();
    this.#peer = this.#path = null;
    this.#stageChannel.attach(null);
    const { verification } = this.#now;
    this.#set({ ...NOTHING_REMOTE, verification: verification.state === "failed" ? verification : NO_VERIFICATION });
  }

  #refreshIceServers(): Promise<IceServer[]> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ICE_SERVERS_WAIT_MS, () => done(this.#iceServers));
      const done = (servers: IceServer[]): void => {
        cancel();
        this.#awaitingIceServers = null;
        resolve(servers);
      };
      this.#awaitingIceServers = done;
      if (!this.#signaling.send({ type: "ice-servers" })) done(this.#iceServers);
    });
  }

  #caseChanged(stage: StageHint | null): void {
    this.#set({ stage });
    for (const listener of this.#caseListeners) listener(stage);
  }

  #signalingChanged(signaling: SignalingState): void {
    this.#set({ signaling });
    // What was offered or asked while signaling was away is lost; a connection in need asks again.
    if (signaling === "open" && this.#now.connection === "interrupted") this.#peer?.restart();
  }

  /** The server closes the room when the case is completed; that must not cut people off in mid-sentence. */
  #signalingEnded(reason: EndReason): void {
    if (reason === "completed" && this.#peer && this.#now.connection === "connected") {
      this.#set({ completed: true });
      this.#caseChanged(this.#now.stage);
    } else this.#end(reason);
  }

  #connectionChanged(connection: PeerConnectionState): void {
    this.#set({ connection });
    void this.#path?.changed(connection).catch((error: unknown) => console.info("path not told", error));
    // Without signaling a broken connection cannot be mended, and after completion it need not be.
    if (connection !== "connected" && this.#now.completed) this.#end("completed");
  }

  #peerClosed(): void {
    if (this.#now.completed) this.#end("completed");
    else this.#closePeer();
  }

  #end(reason: EndedReason): void {
    if (this.#now.phase === "ended") return;
    this.destroy();
    this.#set({ phase: "ended", ended: reason, signaling: "closed", peerPresent: false, waiting: null });
  }

  #set(change: Partial<CallState>): void {
    this.#store.patch(change);
  }
}
