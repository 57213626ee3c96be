/** The weeks that were read: the one that is looked at, and its neighbours, ready before they are wanted. */
import { Latest } from "$shared/api/latest";
import { shiftDay } from "../time";
import type { Week } from "../types";

export class Weeks {
  /** Why the week that is looked at could not be read. */
  problem = $state.raw<unknown>(null);
  #known = $state.raw<ReadonlyMap<string, Week>>(new Map());
  #shown = "";
  readonly #asking = new Map<string, Latest>();

  /** `read` asks for the week of a Monday. */
  constructor(private readonly read: (monday: string) => Promise<Week>) {}

  of(monday: string): Week | null {
    return this.#known.get(monday) ?? null;
  }

  /** Looks at a week: reads it anew, and then the neighbours that are not known. */
  async show(monday: string): Promise<void> {
    this.#shown = monday;
    this.problem = null;
    await this.#ask(monday);
    if (this.#shown !== monday) return;
    for (const beside of [7, -7].map((days) => shiftDay(monday, days))) if (!this.#known.has(beside)) void this.#ask(beside);
  }

  /** Reads the week that is looked at again. */
  refresh(): Promise<void> {
    return this.#ask(this.#shown);
  }

  /** Something was changed: whatever is being read is from before, and the neighbours are asked again when they are wanted. */
  changed(): Promise<void> {
    for (const latest of this.#asking.values()) latest.drop();
    this.#known = new Map([...this.#known].filter(([monday]) => monday === this.#shown));
    return this.refresh();
  }

  async #ask(monday: string): Promise<void> {
    const latest = this.#asking.get(monday) ?? new Latest();
    this.#asking.set(monday, latest);
    await latest.ask(() => this.read(monday), {
      answer: (week) => {
        this.#known = new Map(this.#known).set(week.monday, week);
        if (monday === this.#shown) this.problem = null;
      },
      failure: (problem) => {
        if (monday === this.#shown) this.problem = problem;
      },
    });
  }
}
