/**
 * Camera and microphone of this device: asking, choosing, losing and getting back.
 *
 * The camera is really switched off (its light goes out); the microphone is muted by silencing the track, so that unmuting
 * is instant. A track that ends or falls silent by the system's hand (unplugged, taken by a phone call on iOS) is asked
 * for again: nobody should sit in a call with a dead microphone and not know it.
 */

import { Latest } from "$shared/api/latest";
import { State, type Told } from "../state";

import { type Clock, systemClock } from "./clock";

/** Why a device does not work, each with other advice. */
export type DeviceError = "permission_denied" | "not_found" | "in_use" | "unsupported" | "unknown";
export interface DeviceState {
  state: "off" | "starting" | "on" | "error";
  error: DeviceError | null;
}
export interface Device {
  id: string;
  label: string;
}
type Kind = "camera" | "microphone";

export interface MediaState {
  camera: DeviceState;
  microphone: DeviceState;
  microphoneMuted: boolean;
  /** The system holds the microphone or camera at the moment (a phone call); it comes back by itself. */
  interrupted: boolean;
  cameras: Device[];
  microphones: Device[];
  speakers: Device[];
  cameraId: string | null;
  microphoneId: string | null;
  speakerId: string | null;
  videoTrack: MediaStreamTrack | null;
  audioTrack: MediaStreamTrack | null;
  /** Own preview; a new object whenever a track changes. */
  stream: MediaStream | null;
}

export interface MediaOptions {
  devices?: MediaDevices | undefined;
  clock?: Clock;
}

const OFF: DeviceState = { state: "off", error: null };
const SILENCE_BEFORE_RETRY_MS = 1500;
const RETRIES_MS = [1000, 3000, 6000];
/** Enough for a face and a card on a phone's uplink; `detail` asks for more pixels. */
const SMOOTH = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SHARP = { width: { ideal: 1920 }, height: { ideal: 1080 }, frameRate: { ideal: 30, max: 30 } };

/** The kind of trouble behind an exception of getUserMedia. */
export function deviceError(error: unknown): DeviceError {
  switch ((error as { name?: string } | null)?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "permission_denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "not_found";
    case "NotReadableError":
    case "AbortError":
      return "in_use";
    case "TypeError":
      return "unsupported";
    default:
      return "unknown";
  }
}

export class LocalMedia {
  readonly state: Told<MediaState>;
  readonly #store = new State<MediaState>({
    camera: OFF, microphone: OFF, microphoneMuted: false, interrupted: false,
    cameras: [], microphones: [], speakers: [], cameraId: null, microphoneId: null, speakerId: null,
    videoTrack: null, audioTrack: null, stream: null,
  });
  readonly #devices: MediaDevices | undefined;
  readonly #clock: Clock;
  #now!: MediaState;
  #wanted: Record<Kind, boolean> = { camera: false, microphone: false };
  readonly #asked: Record<Kind, Latest> = { camera: new Latest(), microphone: new Latest() };
  #detail = false;
  #listening = false;

  constructor(options: MediaOptions = {}) {
    this.#devices = "devices" in options ? options.devices : globalThis.navigator?.mediaDevices;
    this.#clock = options.clock ?? systemClock;
    this.state = this.#store;
    this.#store.subscribe((state) => (this.#now = state));
  }

  /** Asks for camera and microphone: together (one question to the person), then one by one if that fails. */
  async start(): Promise<void> {
    this.#wanted = { camera: true, microphone: true };
    const { camera, microphone } = this.#now;
    if (camera.state === "on" && microphone.state === "on") return;
    this.#listen();
    const [forCamera, forMicrophone] = [this.#asked.camera.begin(), this.#asked.microphone.begin()];
    this.#set({ camera: { state: "starting", error: null }, microphone: { state: "starting", error: null } });
    try {
      const stream = await this.#ask({ video: this.#video(), audio: this.#audio() });
      if (forCamera.open) this.#take("camera", stream.getVideoTracks()[0] ?? null);
      else stream.getVideoTracks().forEach((track) => track.stop());
      if (forMicrophone.open) this.#take("microphone", stream.getAudioTracks()[0] ?? null);
      else stream.getAudioTracks().forEach((track) => track.stop());
      await this.refreshDevices();
    } catch {
      if (forMicrophone.open) await this.#acquire("microphone");
      if (forCamera.open) await this.#acquire("camera");
    }
  }

  async setCamera(on: boolean): Promise<void> {
    this.#wanted.camera = on;
    if (on) await this.#acquire("camera");
    else this.#release("camera");
  }

  /** Silences or unsilences the microphone; without a microphone, unmuting asks for one. */
  async setMuted(muted: boolean): Promise<void> {
    this.#set({ microphoneMuted: muted });
    if (this.#now.audioTrack) this.#now.audioTrack.enabled = !muted;
    else if (!muted) {
      this.#wanted.microphone = true;
      await this.#acquire("microphone");
    }
  }

  async chooseCamera(id: string): Promise<void> {
    this.#set({ cameraId: id });
    this.#wanted.camera = true;
    await this.#acquire("camera");
  }

  async chooseMicrophone(id: string): Promise<void> {
    this.#set({ microphoneId: id });
    this.#wanted.microphone = true;
    await this.#acquire("microphone");
  }

  chooseSpeaker(id: string): void {
    this.#set({ speakerId: id });
  }

  /** Sharp rather than smooth: while a card or document is held to the camera. */
  async setDetail(detail: boolean): Promise<void> {
    this.#detail = detail;
    const track = this.#now.videoTrack;
    if (!track) return;
    track.contentHint = detail ? "detail" : "motion";
    try {
      await track.applyConstraints(detail ? SHARP : SMOOTH);
    } catch {
      // The camera keeps the picture it has; the hint alone already helps.
    }
  }

  async refreshDevices(): Promise<void> {
    const all = (await this.#devices?.enumerateDevices().catch(() => [])) ?? [];
    const list = (kind: MediaDeviceKind): Device[] =>
      all.filter((one) => one.kind === kind && one.deviceId !== "").map((one) => ({ id: one.deviceId, label: one.label }));
    this.#set({ cameras: list("videoinput"), microphones: list("audioinput"), speakers: list("audiooutput") });
  }

  /** Gives both devices back. */
  stop(): void {
    this.#wanted = { camera: false, microphone: false };
    this.#release("camera");
    this.#release("microphone");
    if (this.#listening) this.#devices?.removeEventListener("devicechange", this.#devicesChanged);
    this.#listening = false;
  }

  #video(): MediaTrackConstraints {
    const { cameraId } = this.#now;
    return { ...(this.#detail ? SHARP : SMOOTH), ...(cameraId ? { deviceId: { exact: cameraId } } : { facingMode: "user" }) };
  }

  #audio(): MediaTrackConstraints {
    const { microphoneId } = this.#now;
    const voice = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return { ...voice, ...(microphoneId ? { deviceId: { exact: microphoneId } } : {}) };
  }

  #ask(constraints: MediaStreamConstraints): Promise<MediaStream> {
    if (!this.#devices?.getUserMedia) return Promise.reject(new TypeError("no camera or microphone in this browser"));
    return this.#devices.getUserMedia(constraints);
  }

  async #acquire(kind: Kind, retry = 0): Promise<void> {
    const question = this.#asked[kind].begin();
    this.#listen();
    // Phones open one camera at a time: the old one must be free before the new one is asked for.
    if (kind === "camera") this.#drop("camera");
    if (this.#trackOf(kind) === null) this.#set({ [kind]: { state: "starting", error: null } });
    try {
      const stream = await this.#ask(kind === "camera" ? { video: this.#video() } : { audio: this.#audio() });
      const [track] = stream.getTracks();
      if (question.open) this.#take(kind, track ?? null);
      else track?.stop();
    } catch (error) {
      if (!question.open) return;
      const code = deviceError(error);
      const id = kind === "camera" ? this.#now.cameraId : this.#now.microphoneId;
      if (code === "not_found" && id) {
        // The chosen device is gone: any other is better than none.
        this.#set(kind === "camera" ? { cameraId: null } : { microphoneId: null });
        return this.#acquire(kind, retry);
      }
      this.#drop(kind);
      this.#set({ [kind]: { state: "error", error: code } });
      const wait = RETRIES_MS[retry];
      if (code === "in_use" && wait !== undefined) {
        this.#clock.after(wait, () => {
          if (question.open && this.#wanted[kind]) void this.#acquire(kind, retry + 1);
        });
      }
    }
    if (question.open) await this.refreshDevices();
  }

  #take(kind: Kind, track: MediaStreamTrack | null): void {
    this.#drop(kind);
    if (!track) {
      this.#set({ [kind]: { state: "error", error: "not_found" } });
      return;
    }
    const id = track.getSettings().deviceId ?? null;
    track.onended = () => this.#lost(kind, track);
    track.onmute = () => this.#silenced(kind, track);
    track.onunmute = () => this.#set({ interrupted: false });
    if (kind === "camera") {
      track.contentHint = this.#detail ? "detail" : "motion";
      this.#set({ videoTrack: track, cameraId: id, camera: { state: "on", error: null } });
    } else {
      track.enabled = !this.#now.microphoneMuted;
      this.#set({ audioTrack: track, microphoneId: id, microphone: { state: "on", error: null } });
    }
    this.#renewStream();
  }

  #trackOf(kind: Kind): MediaStreamTrack | null {
    return kind === "camera" ? this.#now.videoTrack : this.#now.audioTrack;
  }

  /** Stops a track and forgets it, without a word about the device's state. */
  #drop(kind: Kind): void {
    const track = this.#trackOf(kind);
    if (!track) return;
    track.onended = track.onmute = track.onunmute = null;
    track.stop();
    this.#set(kind === "camera" ? { videoTrack: null } : { audioTrack: null });
    this.#renewStream();
  }

  #release(kind: Kind): void {
    this.#asked[kind].drop();
    this.#drop(kind);
    this.#set({ [kind]: OFF, interrupted: false });
  }

  #lost(kind: Kind, track: MediaStreamTrack): void {
    if (this.#trackOf(kind) === track && this.#wanted[kind]) void this.#acquire(kind);
  }

  #silenced(kind: Kind, track: MediaStreamTrack): void {
    this.#clock.after(SILENCE_BEFORE_RETRY_MS, () => {
      if (!track.muted || this.#trackOf(kind) !== track || !this.#wanted[kind]) return;
      this.#set({ interrupted: true });
      if (kind === "camera") return;
      // iOS gives a microphone back after a phone call only to who asks again.
      void this.#acquire(kind).then(() => this.#set({ interrupted: this.#trackOf(kind)?.muted ?? false }));
    });
  }

  #listen(): void {
    if (this.#listening || !this.#devices) return;
    this.#listening = true;
    this.#devices.addEventListener("devicechange", this.#devicesChanged);
  }

  #devicesChanged = (): void => {
    void this.refreshDevices().then(() => {
      // A device plugged in while one is missing is what the person was told to do.
      for (const kind of ["camera", "microphone"] as const) {
        if (this.#wanted[kind] && this.#now[kind].error === "not_found") void this.#acquire(kind);
      }
    });
  };

  #renewStream(): void {
    const tracks = [this.#now.audioTrack, this.#now.videoTrack].filter((track) => track !== null);
    this.#set({ stream: tracks.length > 0 ? new MediaStream(tracks) : null });
  }

  #set(change: Partial<MediaState>): void {
    this.#store.patch(change);
  }
}
