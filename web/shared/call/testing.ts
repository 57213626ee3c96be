/** Stand-ins for the browser's parts, shared by the tests of this folder. */

import type { Clock } from "./clock";

/** Lets pending promises run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that moves when the test says so. */
export class ManualClock implements Clock {
  time = 0;
  #timers: { at: number; run: () => void }[] = [];
  #tickers = new Set<() => void>();
  now = (): number => this.time;
  after = (milliseconds: number, run: () => void): (() => void) => {
    const timer = { at: this.time + milliseconds, run };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((one) => one !== timer));
  };
  ticks = (run: () => void): (() => void) => {
    this.#tickers.add(run);
    return () => this.#tickers.delete(run);
  };
  /** Moves in half-second steps, as the real clock ticks, letting promises settle in between. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    while (this.time < end) {
      this.time = Math.min(end, this.time + 500);
      const due = this.#timers.filter((one) => one.at <= this.time);
      this.#timers = this.#timers.filter((one) => one.at > this.time);
      for (const one of due) one.run();
      for (const run of this.#tickers) run();
      await settle();
    }
  }
}

/** A camera's or microphone's track. */
export class FakeTrack {
  readyState = "live";
  enabled = true;
  muted = false;
  contentHint = "";
  constraints: unknown[] = [];
  onended: (() => void) | null = null;
  onmute: (() => void) | null = null;
  onunmute: (() => void) | null = null;
  constructor(
    readonly kind: "audio" | "video",
    readonly deviceId = `${kind}-1`,
  ) {}
  getSettings(): { deviceId: string } {
    return { deviceId: this.deviceId };
  }
  applyConstraints(constraints: unknown): Promise<void> {
    this.constraints.push(constraints);
    return Promise.resolve();
  }
  stop(): void {
    this.readyState = "ended";
  }
}

export class FakeStream {
  constructor(readonly tracks: FakeTrack[] = []) {}
  getTracks = (): FakeTrack[] => this.tracks;
  getVideoTracks = (): FakeTrack[] => this.tracks.filter(({ kind }) => kind === "video");
  getAudioTracks = (): FakeTrack[] => this.tracks.filter(({ kind }) => kind === "audio");
  addTrack = (track: FakeTrack): void => void this.tracks.push(track);
}
