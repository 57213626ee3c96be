import { serverNow } from "$shared/api/clock";
import { Latest } from "$shared/api/latest";
import { ApiProblem, isProblem } from "$shared/api/problem";
import type { AppointmentView } from "$shared/api/types";
import { localDay } from "$shared/i18n/format";

/** What the office did meanwhile: called the appointment off, or took back that nobody came. */
export type News = "cancelled" | "awaited";

/** The appointment behind a link, as the office knows it: read when the page opens, and again when somebody comes back to it. */
export class Opened {
  view = $state.raw<AppointmentView | null>(null);
  problem = $state.raw<unknown>(null);
  #token: string | null = null;
  #asking = false;
  readonly #latest = new Latest();

  constructor(private readonly read: (token: string) => Promise<AppointmentView>) {}

  /** The link is not good, or not any more: opening it from the same mail once more would lead here again. */
  get invalid(): boolean {
    return isProblem(this.problem, "token_invalid");
  }

  /** Nothing is behind the link any more. */
  get gone(): boolean {
    return this.problem instanceof ApiProblem && [404, 410].includes(this.problem.status);
  }

  /** The appointment is cancelled: this was its link until then. */
  get cancelled(): boolean {
    return isProblem(this.problem, "link_expired") && this.problem.extra["reason"] === "cancelled";
  }

  async load(token: string | null): Promise<void> {
    this.#token = token;
    this.view = null;
    this.problem = null;
    await this.#ask(token);
  }

  /** Whether the office can still say that they are there after all: on the appointment's day, as the office counts days. */
  mayBeAwaited(timeZone: string, now: number = serverNow()): boolean {
    return this.view?.state === "no_show" && localDay(new Date(now), timeZone) <= localDay(this.view.ends_at, timeZone);
  }

  /** Reads it again behind what is shown, and says what the office did meanwhile. A network that is away changes nothing. */
  async again(): Promise<News | null> {
    const before = this.view;
    if (before === null || this.#asking) return null;
    await this.#ask(this.#token);
    if (before.state === "booked" && this.cancelled) return "cancelled";
    return before.state === "no_show" && this.view?.awaited ? "awaited" : null;
  }

  /** An act on this page changed it: what is being read is from before. */
  show(next: AppointmentView): void {
    this.drop();
    this.view = next;
  }

  drop(): void {
    this.#latest.drop();
    this.#asking = false;
  }

  async #ask(token: string | null): Promise<void> {
    if (token === null || token === "") return;
    this.#asking = true;
    await this.#latest.ask(() => this.read(token), {
      answer: (found) => (this.view = found),
      failure: (problem) => this.#failed(problem),
      settled: () => (this.#asking = false),
    });
  }

  #failed(problem: unknown): void {
    const shown = this.view;
    this.problem = problem;
    if (shown === null) return;
    if (this.invalid || this.gone) this.view = null;
    else this.problem = null;
  }
}
