import { bookingApi, releaseOnLeaving } from "$shared/api/booking";
import { secondsLeft } from "$shared/api/clock";
import { Latest } from "$shared/api/latest";
import { isProblem } from "$shared/api/problem";
import type { Hold, Slot } from "$shared/api/types";

// With less than this left, activity prolongs the hold: nobody should lose a slot for being slow.
const EXTEND_BELOW_SECONDS = 180;
const EXTEND_EVERY_MS = 30_000;
/** Taken by somebody else, or (after a long pause) begun meanwhile: the answer is the same, other slots nearby. */
const LOST = ["slot_taken", "slot_not_offered"] as const;

/** Whoever may not have another time keeps none from the others. */
const REFUSED = ["not_movable", "link_expired", "token_invalid"] as const;

/** What is kept of a reservation over a reload. */
export interface Kept {
  readonly slot: Slot | null;
  readonly hold: Hold | null;
}

/** What became of reserving: `taken` by somebody else, or `given_up` (or another slot wanted) before the answer came. */
export type Reserved = "held" | "taken" | "given_up";

/** What a reservation is for. */
export interface Wish {
  readonly office: string;
  /** Asks for the hold of that id, at that time. */
  readonly hold: (startsAt: string, holdId: string) => Promise<Hold>;
  /** Called after every change that a reload must survive. */
  readonly onchange?: () => void;
}

/**
 * The slot that a citizen chose, kept for them on the server while they type: one at a time, with a countdown, prolonged
 * while they are active, given back when they leave. Without holds (Redis is away) the slot is only remembered.
 */
export class Reservation {
  slot = $state<Slot | null>(null);
  hold = $state<Hold | null>(null);
  /** Seconds until the hold ends; null without a hold. */
  left = $state<number | null>(null);
  expired = $state(false);
  /** The server will not prolong it any more. */
  atLimit = $state(false);
  /** Set when the slot was taken by somebody else; empty when nothing near it is free. */
  alternatives = $state<readonly Slot[] | null>(null);
  reserving = $state(false);

  #lastExtension = -Infinity;
  /** The slot that was asked for last: an answer about another one, or about none any more, is not heard. */
  readonly #latest = new Latest();
  /** Chosen here, so that a repeated request cannot hold twice. A released hold's id is not used again. */
  #holdId = crypto.randomUUID() as string;

  constructor(private readonly wish: Wish) {}

  /** The chosen slot is not held: holds cannot be had right now. Booking works without. */
  get holdless(): boolean {
    return this.slot !== null && this.hold === null && !this.expired && !this.reserving;
  }

  /** The hold that a booking may use up. */
  get holdId(): string | null {
    return this.hold && !this.expired ? this.hold.hold_id : null;
  }

  get kept(): Kept {
    return { slot: this.slot, hold: this.hold };
  }

  /** Takes up what was kept. A slot whose hold was given back meanwhile needs `resume()`. */
  restore({ slot, hold }: Kept): void {
    this.slot = slot;
    this.hold = hold;
    this.#holdId = hold?.hold_id ?? this.#holdId;
    this.tick();
  }

  /** Reserves a slot, moving the hold if there is one. @throws ApiProblem except a lost slot, which fills `alternatives`. */
  async reserve(slot: Slot): Promise<Reserved> {
    const holdId = this.#holdId;
    let outcome: Reserved = "held";
    this.reserving = true;
    const ask = async (): Promise<Hold> => {
      const hold = await this.wish.hold(slot.starts_at, holdId);
      if (holdId !== this.#holdId) this.#release(hold.hold_id);
      return hold;
    };
    const heard = await this.#latest.ask(ask, {
      answer: (hold) => this.#held(hold),
      failure: (problem) => {
        if (isProblem(problem, "holds_unavailable")) this.#held(null, slot);
        else if (this.lost(problem)) outcome = "taken";
        else throw problem;
      },
      settled: () => (this.reserving = false),
    });
    return heard ? outcome : "given_up";
  }

  /** Whether `problem` says that the slot is gone; then `alternatives` names others. */
  lost(problem: unknown): boolean {
    if (!isProblem(problem, ...LOST)) return false;
    const list = problem.extra["alternatives"];
    this.alternatives = Array.isArray(list) ? (list as readonly Slot[]) : [];
    return true;
  }

  /** Whether `problem` says that this link books no time, now or ever; then the slot is given back to the others. */
  refused(problem: unknown): boolean {
    const tooOften = isProblem(problem, "limit_reached") && problem.extra["reason"] === "link";
    if (!tooOften && !isProblem(problem, ...REFUSED)) return false;
    this.letGo();
    return true;
  }

  /** @throws ApiProblem when the hold is gone or may not be prolonged further. */
  async extend(): Promise<void> {
    const before = this.hold;
    if (!before || this.reserving) return;
    await this.#latest.ask(() => bookingApi.extendHold(this.wish.office, before.hold_id), {
      answer: (hold) => {
        this.#held(hold);
        // Asked again at the limit the service answers with the end that stands already.
        this.atLimit = hold.expires_at === before.expires_at;
      },
    });
  }

  /** Call on every sign of life: prolongs the hold when it runs short. */
  active(): void {
    if (!this.hold || this.left === null || this.left > EXTEND_BELOW_SECONDS || this.expired || this.atLimit) return;
    if (performance.now() - this.#lastExtension < EXTEND_EVERY_MS) return;
    this.#lastExtension = performance.now();
    // A refusal is no news here: the countdown goes on and says so itself.
    this.extend().catch(() => undefined);
  }

  /** Call every second: moves the countdown on. */
  tick(): void {
    if (!this.hold || this.expired) return;
    this.left = secondsLeft(this.hold.expires_at);
    if (this.left === 0) {
      this.expired = true;
      this.wish.onchange?.();
    }
  }

  /** Gives the slot up. */
  letGo(): void {
    const given = this.#giveUp();
    this.#held(null, null);
    if (given) this.#release(given);
  }

  /** The page goes away: gives the hold back, and remembers the slot for those who come back (a reload, the back button). */
  leave(): void {
    const given = this.#giveUp();
    if (!given) return;
    releaseOnLeaving(this.wish.office, given);
    this.#held(null, this.slot);
  }

  /** Reserves again what was given back on leaving. Does nothing while a hold stands or none was chosen. */
  async resume(): Promise<void> {
    if (!this.slot || this.hold || this.reserving || this.alternatives) return;
    if ((await this.reserve(this.slot)) === "taken") this.expired = true;
  }

  /** Ends what is held and what is being asked for; the hold to give back, if there is or may be one. */
  #giveUp(): string | null {
    const given = this.hold?.hold_id ?? (this.reserving ? this.#holdId : null);
    this.#latest.drop();
    this.reserving = false;
    this.#holdId = crypto.randomUUID();
    return given;
  }

  #release(holdId: string): void {
    // The server forgets it by itself soon; telling it only frees the slot earlier.
    bookingApi.releaseHold(this.wish.office, holdId).catch(() => undefined);
  }

  #held(hold: Hold | null, slot: Slot | null = hold): void {
    this.hold = hold;
    this.slot = slot ? { starts_at: slot.starts_at, ends_at: slot.ends_at } : null;
    this.expired = false;
    this.atLimit = false;
    this.alternatives = null;
    this.left = hold ? secondsLeft(hold.expires_at) : null;
    this.wish.onchange?.();
  }
}

/** Gives the hold back when the page goes away, and takes it again when the browser brings the page back. Returns how to stop. */
export function giveBackOnLeaving(current: () => Reservation | null): () => void {
  // `pagehide` alone: a page in the background belongs to somebody who looks up a date in another app.
  const leave = (): void => current()?.leave();
  const back = (event: PageTransitionEvent): void => void (event.persisted && current()?.resume().catch(() => undefined));
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", back);
  return () => {
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("pageshow", back);
  };
}
