import { secondsLeft } from "$shared/api/clock";
import { offerApi } from "$shared/api/links";
import { isProblem } from "$shared/api/problem";
import type { BookedAppointment, OfferView } from "$shared/api/types";

type Shown = "loading" | "open" | "accepted" | "refused" | "left" | "expired" | "missing" | "failed";

/** A freed slot that is kept for one citizen: looking changes nothing, the answer is theirs until the time is over. */
export class Offer {
  view = $state<OfferView | null>(null);
  shown = $state<Shown>("loading");
  /** Seconds left to answer. */
  left = $state(0);
  problem = $state<unknown>(null);
  busy = $state<"accept" | "refuse" | "leave" | null>(null);

  constructor(private readonly token: string | null) {
    if (!token) this.shown = "missing";
  }

  async load(): Promise<void> {
    if (!this.token) return;
    this.problem = null;
    try {
      this.view = await offerApi.view(this.token);
      this.shown = this.view.state;
      this.tick();
    } catch (problem) {
      if (isProblem(problem, "token_invalid", "token_missing")) this.shown = "missing";
      else if (isProblem(problem) && [404, 410].includes(problem.status)) this.shown = "expired";
      else {
        this.shown = "failed";
        this.problem = problem;
      }
    }
  }

  /** Call every second: moves the countdown on, and closes the offer when its time is over. */
  tick(): void {
    if (this.shown !== "open" || !this.view) return;
    this.left = secondsLeft(this.view.expires_at);
    if (this.left === 0 && this.busy === null) this.shown = "expired";
  }

  /** The appointment that it became; null when it was not to be had any more (see `shown`) or failed (see `problem`). */
  async accept(): Promise<BookedAppointment | null> {
    return this.#answer("accept", (token) => offerApi.accept(token));
  }

  async refuse(leaveList: boolean): Promise<void> {
    await this.#answer(leaveList ? "leave" : "refuse", async (token) => {
      await offerApi.refuse(token, leaveList);
      this.shown = leaveList ? "left" : "refused";
    });
  }

  async #answer<T>(how: "accept" | "refuse" | "leave", act: (token: string) => Promise<T>): Promise<T | null> {
    if (!this.token || this.busy) return null;
    this.busy = how;
    this.problem = null;
    try {
      return await act(this.token);
    } catch (problem) {
      if (isProblem(problem, "offer_over")) await this.#over();
      else this.problem = problem;
      return null;
    } finally {
      this.busy = null;
    }
  }

  /** Somebody answered elsewhere, or it was too late: what it came to is the service's to say. */
  async #over(): Promise<void> {
    await this.load();
    if (this.shown === "open") this.shown = "expired";
  }
}
