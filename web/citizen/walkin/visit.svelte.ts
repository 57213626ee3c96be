import { idempotencyKey } from "$shared/api/http";
import { bookingApi } from "$shared/api/booking";
import { walkInApi } from "$shared/api/links";
import { isProblem } from "$shared/api/problem";
import type { NewWalkIn, WalkInPresence, WalkInTicket } from "$shared/api/types";

const STORAGE_KEY = "schalter-walk-in";
/** The service takes whoever is silent for a minute for gone. */
const HEARTBEAT_MS = 10_000;

/** Where somebody without an appointment stands: no number yet, waiting, called, or their number is gone. */
export type VisitState = "none" | "waiting" | "called" | "gone" | "left";

interface Stored {
  readonly office: string;
  readonly ticket: string;
  readonly number: number;
}

/** A number in the queue of an office, kept over a reload (session storage) and told every few seconds that somebody is still here. */
export class Visit {
  state = $state<VisitState>("none");
  number = $state<number | null>(null);
  ahead = $state<number | null>(null);
  estimateSeconds = $state<number | null>(null);
  /** Opens the waiting room; known once called. */
  link = $state<string | null>(null);
  /** The last heartbeat did not get through. */
  lost = $state(false);

  #ticket: string | null = null;
  #beating = false;
  #lastBeat = 0;
  #intent: { readonly key: string; readonly content: string } | null = null;

  constructor(private readonly office: string) {
    const stored = restore();
    if (stored?.office !== office) return;
    this.#ticket = stored.ticket;
    this.number = stored.number;
    this.state = "waiting";
  }

  /** Takes a number. Repeated after a lost answer it is the same number. @throws ApiProblem */
  async draw(visitor: NewWalkIn): Promise<void> {
    const content = JSON.stringify(visitor);
    if (this.#intent?.content !== content) this.#intent = { key: idempotencyKey(), content };
    const ticket = await bookingApi.takeNumber(this.office, visitor, this.#intent.key);
    this.#intent = null;
    this.#took(ticket);
  }

  /** Call often: says every ten seconds that somebody is still here. */
  tick(now: number = Date.now()): void {
    if (now - this.#lastBeat >= HEARTBEAT_MS) void this.beat(now);
  }

  /** "I am still here", at once: the page has been opened, or is looked at again. */
  async beat(now: number = Date.now()): Promise<void> {
    const ticket = this.#ticket;
    if (!ticket || this.#beating || (this.state !== "waiting" && this.state !== "called")) return;
    this.#beating = true;
    this.#lastBeat = now;
    try {
      const presence = await walkInApi.present(ticket);
      if (ticket === this.#ticket) this.#heard(presence);
    } catch (problem) {
      if (ticket !== this.#ticket) return;
      // Unknown or expired: there is nothing left to wait for. Anything else is the network's, and passes.
      if (isProblem(problem) && [401, 404, 410].includes(problem.status)) this.#end("gone");
      else this.lost = true;
    } finally {
      this.#beating = false;
    }
  }

  /** Gives the number back; whoever has just been called learns that. @throws ApiProblem when the service did not hear it. */
  async leave(): Promise<void> {
    try {
      if (this.#ticket) await walkInApi.leave(this.#ticket);
      this.#end("left");
    } catch (problem) {
      if (!isProblem(problem) || problem.status !== 409) throw problem;
      await this.beat();
    }
  }

  /** The waiting room is open: the number has done its work. */
  entered(): void {
    forget();
  }

  /** Back to where a number can be taken. */
  again(): void {
    this.#end("none");
  }

  #took({ ticket, number, ahead, estimate_seconds }: WalkInTicket): void {
    this.#ticket = ticket;
    this.number = number;
    this.ahead = ahead;
    this.estimateSeconds = estimate_seconds;
    this.link = null;
    this.lost = false;
    this.state = "waiting";
    keep({ office: this.office, ticket, number });
  }

  #heard({ number, state, ahead, estimate_seconds, link }: WalkInPresence): void {
    this.lost = false;
    this.number = number;
    this.ahead = ahead;
    this.estimateSeconds = estimate_seconds;
    this.link = link;
    if (state === "gone") this.#end("gone");
    else this.state = state;
  }

  #end(state: VisitState): void {
    this.#ticket = null;
    this.link = null;
    this.lost = false;
    this.state = state;
    forget();
  }
}

function keep(stored: Stored): void {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(stored));
  } catch {
    // Without storage a reload loses the number; waiting on this page works.
  }
}

function restore(): Stored | null {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null") as Stored | null;
  } catch {
    return null;
  }
}

function forget(): void {
  try {
    sessionStorage.removeItem(STORAGE_KEY);
  } catch {
    // Nothing was kept then.
  }
}
