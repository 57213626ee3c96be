import { confirmationApi } from "$shared/api/links";
import { isProblem } from "$shared/api/problem";
import { citizenToken } from "$shared/api/session";
import type { ConfirmationView } from "$shared/api/types";

type Shown = "loading" | ConfirmationView["state"] | "late" | "other" | "invalid" | "missing" | "failed";

/** The question whether an address is theirs, from the mail: looking answers nothing, one press does. */
export class Question {
  view = $state.raw<ConfirmationView | null>(null);
  shown = $state<Shown>("loading");
  problem = $state.raw<unknown>(null);
  busy = $state(false);

  constructor(private readonly token: string | null) {
    if (!token) this.shown = "missing";
  }

  async load(): Promise<void> {
    await this.#ask((token) => confirmationApi.view(token), (problem) => ([this.shown, this.problem] = ["failed", problem]));
  }

  /** Yes. The token of the appointment that stands now; null if it was not to be (see `shown`) or failed (see `problem`). */
  async confirm(): Promise<string | null> {
    if (this.busy) return null;
    this.busy = true;
    await this.#ask((token) => confirmationApi.confirm(token), (problem) => (this.problem = problem));
    this.busy = false;
    const link = this.shown === "confirmed" ? this.view?.link : null;
    return link ? citizenToken(new URL(link).hash) : null;
  }

  async #ask(ask: (token: string) => Promise<ConfirmationView>, failed: (problem: unknown) => void): Promise<void> {
    if (!this.token) return;
    this.problem = null;
    try {
      this.view = await ask(this.token);
      this.shown = this.view.state;
    } catch (problem) {
      if (isProblem(problem, "not_confirmed_in_time")) this.shown = "late";
      else if (isProblem(problem, "link_expired")) this.shown = "other";
      else if (isProblem(problem, "token_invalid")) this.shown = "invalid";
      else if (isProblem(problem, "token_missing")) this.shown = "missing";
      else failed(problem);
    }
  }
}
