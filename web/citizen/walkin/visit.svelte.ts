import { bookingApi } from "$shared/api/booking";
import { walkInApi } from "$shared/api/links";
import { Intent } from "$shared/api/intent";
import { Latest } from "$shared/api/latest";
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
  /** Whether a clerk is there at the moment. */
  staffed = $state(true);
  /** Opens the waiting room; known once called. */
  link = $state<string | null>(null);
  /** The last heartbeat did not get through. */
  lost = $state(false);

  #ticket: string | null = null;
  #beating = false;
  /** On a clock that nobody sets: the device's own may be put back while somebody waits. */
  #lastBeat = -Infinity;
  readonly #latest = new Latest();
  readonly #intent = new Intent();

  constructor(private readonly office: string) {
    const stored = restore();
    if (stored?.office !== office) return;
    this.#ticket = stored.ticket;
    this.number = stored.number;
    this.state = "waiting";
  }

  /** Takes a number. Repeated after a lost answer it is the same number. @throws ApiProblem */
  async draw(visitor: NewWalkIn): Promise<void> {
    const ticket = await bookingApi.takeNumber(this.office, visitor, this.#intent.key(visitor));
    this.#intent.done();
    this.#took(ticket);
  }

  /** Call often: says every ten seconds that somebody is still here. */
  tick(now: number = performance.now()): void {
    if (now - this.#lastBeat >= HEARTBEAT_MS) void this.beat(now);
  }

  /** "I am still here", at once: the page has been opened, or is looked at again. */
  async beat(now: number = performance.now()): Promise<void> {
    const ticket = this.#ticket;
    if (!ticket || this.#beating || (this.state !== "waiting" && this.state !== "called")) return;
    this.#beating = true;
    this.#lastBeat = now;
    await this.#latest.ask(() => walkInApi.present(ticket), {
      answer: (presence) => this.#heard(presence),
      failure: (problem) => {
        // Unknown or expired: there is nothing left to wait for. Anything else is the network's, and passes.
        if (isProblem(problem) && [401, 404, 410].includes(problem.status)) this.#end("gone");
        else this.lost = true;
      },
      settled: () => (this.#beating = false),
    });
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
    this.#turnTo(ticket);
    this.number = number;
    this.ahead = ahead;
    this.estimateSeconds = estimate_seconds;
    this.staffed = true;
    this.link = null;
    this.lost = false;
    this.state = "waiting";
    keep({ office: this.office, ticket, number });
  }

  #heard({ number, state, ahead, estimate_seconds, staffed, link }: WalkInPresence): void {
    this.lost = false;
    this.number = number;
    this.ahead = ahead;
    this.estimateSeconds = estimate_seconds;
    this.staffed = staffed;
    this.link = link;
    if (state === "gone") this.#end("gone");
    else this.state = state;
  }

  /** What was asked about the number before counts no more. */
  #turnTo(ticket: string | null): void {
    this.#latest.drop();
    this.#beating = false;
    this.#ticket = ticket;
  }

  #end(state: VisitState): void {
    this.#turnTo(null);
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
