/** The citizen's own case as casework tells it: fetched anew on every push, never guessed from the push. */

import { State, type Told } from "$shared/state";

import type { CitizenCaseView } from "$shared/api/types";

export interface CaseState {
  view: CitizenCaseView | null;
  problem: unknown;
}

const RETRY_MS = [1000, 3000, 8000];

export class CaseStore {
  readonly state: Told<CaseState>;
  readonly #store = new State<CaseState>({ view: null, problem: null });
  #running = false;
  #again = false;
  #failures = 0;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly fetchCase: () => Promise<CitizenCaseView>) {
    this.state = this.#store;
  }

  /** Fetches the case; a wish that comes while one is under way is granted once, afterwards. */
  async refresh(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    clearTimeout(this.#timer);
    try {
      this.put(await this.fetchCase());
      this.#failures = 0;
    } catch (problem) {
      this.#store.patch({ problem });
      const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
      this.#failures += 1;
      if (!this.#stopped) this.#timer = setTimeout(() => void this.refresh(), wait);
    } finally {
      this.#running = false;
    }
    if (this.#again && !this.#stopped) {
      this.#again = false;
      await this.refresh();
    }
  }

  /** Takes the answer of a write. An older revision than the one shown is ignored: answers can overtake each other. */
  put(view: CitizenCaseView): void {
    const shown = this.#store.value.view;
    if (shown?.case_id === view.case_id && view.revision < shown.revision) return;
    this.#store.set({ view, problem: null });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
