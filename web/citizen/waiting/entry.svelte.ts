import { waitingApi } from "$shared/api/links";
import { isProblem } from "$shared/api/problem";
import type { ListedView } from "$shared/api/types";

type Shown = "loading" | ListedView["state"] | "over" | "missing" | "failed";

/** Somebody on the waiting list without an appointment: looking changes nothing, leaving is theirs until the waiting is over. */
export class Entry {
  view = $state<ListedView | null>(null);
  shown = $state<Shown>("loading");
  problem = $state<unknown>(null);
  leaving = $state(false);
  saving = $state(false);
  unsaved = $state<unknown>(null);

  constructor(private readonly token: string | null) {
    if (!token) this.shown = "missing";
  }

  async load(): Promise<void> {
    await this.#ask((token) => waitingApi.view(token), () => (this.shown = "failed"));
  }

  /** What it came to is in `shown`: left, or an appointment that was accepted elsewhere. A failure is in `problem`. */
  async leave(): Promise<void> {
    if (this.leaving) return;
    this.leaving = true;
    await this.#ask((token) => waitingApi.leave(token), () => {});
    this.leaving = false;
  }

  /** Everything that is stored, as a file. A failure is in `unsaved`. */
  async save(filename: string): Promise<void> {
    if (this.saving || !this.token) return;
    this.saving = true;
    this.unsaved = null;
    try {
      await waitingApi.downloadData(this.token, filename);
    } catch (problem) {
      this.unsaved = problem;
    }
    this.saving = false;
  }

  async #ask(ask: (token: string) => Promise<ListedView>, failed: () => void): Promise<void> {
    if (!this.token) return;
    this.problem = null;
    try {
      this.view = await ask(this.token);
      this.shown = this.view.state;
    } catch (problem) {
      // The link ends with the waiting: one that is refused is an old one, or one that the mail program broke.
      if (isProblem(problem, "token_invalid", "waiting_over")) this.shown = "over";
      else {
        this.problem = problem;
        failed();
      }
    }
  }
}
