import { secondsLeft } from "$shared/api/clock";
import { Intent } from "$shared/api/intent";
import { Latest } from "$shared/api/latest";
import { reservationApi } from "$shared/api/links";
import { isProblem } from "$shared/api/problem";
import type { ReservationView } from "$shared/api/types";
import { cleanEmail } from "$shared/contact/email";
import { looksLikeEmail } from "$shared/contact/rules";
import { booking } from "$shared/i18n/booking";

type Shown = "loading" | ReservationView["state"] | "late" | "invalid" | "missing" | "failed";

/** A time that is kept until its address is confirmed, on the page of who has booked it. */
export class Reserved {
  view = $state.raw<ReservationView | null>(null);
  shown = $state<Shown>("loading");
  /** Seconds left to confirm. */
  left = $state(0);
  problem = $state.raw<unknown>(null);
  busy = $state(false);
  /** Whether another address is being typed, and which. */
  correcting = $state(false);
  email = $state("");
  /** Where the mail went once more. */
  sentTo = $state<string | null>(null);
  #tried = $state(false);
  readonly #intent = new Intent();
  readonly #latest = new Latest();

  constructor(private readonly token: string | null) {
    if (!token) this.shown = "missing";
  }

  get emailError(): string | undefined {
    if (!this.#tried) return undefined;
    if (cleanEmail(this.email) === "") return booking.emailMissing;
    return looksLikeEmail(this.email) ? undefined : booking.emailInvalid;
  }

  /** Whether the question did not arrive: the address may be wrong. */
  get returned(): boolean {
    return this.shown === "kept" && this.view?.mail_returned === true;
  }

  /** Whether no more mails can be asked for. */
  get usedUp(): boolean {
    return this.view?.mails_left === 0 || isProblem(this.problem, "confirm_mails_used_up");
  }

  async load(): Promise<void> {
    const token = this.token;
    if (!token) return;
    await this.#latest.ask(() => reservationApi.view(token), {
      answer: (view) => this.#show(view),
      failure: (problem) => this.#failed(problem, this.shown === "loading" || this.shown === "failed"),
    });
  }

  /** Call every second: moves the countdown on. At its end the server is asked, once: it may be confirmed elsewhere. */
  async tick(): Promise<void> {
    if (this.shown !== "kept" || this.left === 0 || !this.view?.confirm_by) return;
    this.left = secondsLeft(this.view.confirm_by);
    if (this.left === 0 && !this.busy) await this.load();
  }

  /** Call now and then while somebody looks at the page: it is confirmed in the mailbox, perhaps on another device. */
  async look(): Promise<void> {
    if (this.shown === "kept" && !this.busy) await this.load();
  }

  /** Call when somebody comes back to the page. Looks again even at what was too late by this device's clock. */
  async cameBack(): Promise<void> {
    if (this.shown === "late" && !this.busy) await this.load();
    else await this.look();
  }

  correct(): void {
    this.correcting = true;
    this.email = this.view?.email ?? "";
    this.#tried = false;
    this.problem = null;
  }

  keep(): void {
    this.correcting = false;
  }

  /** Has the mail sent once more. Whether it is on its way. */
  async again(): Promise<boolean> {
    return this.#mail(null);
  }

  /** The same to what was typed. */
  async elsewhere(): Promise<boolean> {
    this.#tried = true;
    return this.emailError === undefined && this.#mail(cleanEmail(this.email));
  }

  async #mail(email: string | null): Promise<boolean> {
    if (this.busy || !this.token) return false;
    this.busy = true;
    this.problem = null;
    this.sentTo = null;
    this.#latest.drop();
    try {
      const view = await reservationApi.mail(this.token, email, this.#intent.key({ email }));
      this.#intent.done();
      this.#show(view);
      this.correcting = false;
      this.sentTo = view.email;
      return true;
    } catch (problem) {
      // It was confirmed meanwhile, on another device.
      if (isProblem(problem, "not_reserved")) await this.load();
      else this.#failed(problem, false);
      return false;
    } finally {
      this.busy = false;
    }
  }

  #show(view: ReservationView): void {
    const news = view.mail_returned && this.view?.mail_returned !== true;
    this.view = view;
    this.left = view.confirm_by ? secondsLeft(view.confirm_by) : 0;
    this.shown = view.state === "kept" && this.left === 0 ? "late" : view.state;
    if (news) {
      this.sentTo = null;
      if (!this.correcting) this.correct();
    }
  }

  #failed(problem: unknown, instead: boolean): void {
    if (isProblem(problem, "not_confirmed_in_time")) this.shown = "late";
    else if (isProblem(problem, "token_invalid")) this.shown = "invalid";
    else if (isProblem(problem, "token_missing")) this.shown = "missing";
    else if (instead) [this.shown, this.problem] = ["failed", problem];
    // What is shown stays true without the network; only an act says why it failed.
    else if (this.busy) this.problem = problem;
  }
}
