import { SvelteMap, SvelteSet } from "svelte/reactivity";

import { serverNow } from "$shared/api/clock";
import { Latest } from "$shared/api/latest";
import type { OfficeInfo, Slot, Slots } from "$shared/api/types";
import { localDay } from "$shared/i18n/format";
import { addDays, daysBetween, daysFrom, type Day } from "./days";

/** Asks for the free slots of days of the office, both included. */
export type Source = (from: Day, to: Day) => Promise<Slots>;

/** A page of the calendar: what most people look for lies within two weeks, whatever day of the month it is. */
const PAGE_DAYS = 14;

/** The free slots of an office, two weeks at a time from today on, as the citizen turns the calendar's pages. */
export class Availability {
  slots = new SvelteMap<string, Slot>();

  readonly today: Day;
  readonly last: Day;
  /** The page that is looked at: `loading` and `problem` are about it, whatever else is under way. */
  #wanted = $state(0);
  readonly #loaded = new SvelteSet<number>();
  readonly #failed = new SvelteMap<number, unknown>();
  readonly #asking = new SvelteMap<number, Latest>();
  readonly #turning = new Latest();

  constructor(
    private readonly office: Pick<OfficeInfo, "time_zone" | "booking">,
    private readonly source: Source,
  ) {
    this.today = localDay(new Date(serverNow()), office.time_zone);
    this.last = addDays(this.today, office.booking.horizon_days);
  }

  /** The page that is looked at is not known yet, or is asked about again. */
  get loading(): boolean {
    return this.#asking.has(this.#wanted) || (!this.#loaded.has(this.#wanted) && this.problem === null);
  }

  /** Why the page that is looked at could not be loaded. */
  get problem(): unknown {
    return this.#failed.get(this.#wanted) ?? null;
  }

  /** Less than a week that is left over stands with the page before. */
  get lastPage(): number {
    return Math.max(0, Math.floor((daysBetween(this.today, this.last) + 1 - 7) / PAGE_DAYS));
  }

  pageOf(day: Day): number {
    return Math.min(this.lastPage, Math.max(0, Math.floor(daysBetween(this.today, day) / PAGE_DAYS)));
  }

  /** The days of a page, in order. */
  daysOf(page: number): readonly Day[] {
    const first = addDays(this.today, page * PAGE_DAYS);
    return daysFrom(first, page === this.lastPage ? daysBetween(first, this.last) + 1 : PAGE_DAYS);
  }

  /** Loads the first page, and the following ones until something is free. The page to show; null when another one is looked at meanwhile. */
  async start(): Promise<number | null> {
    const question = this.#turning.begin();
    let page = 0;
    for (;;) {
      this.#wanted = page;
      await this.#ask(page);
      if (!question.open) return null;
      if (this.slots.size > 0 || page >= this.lastPage || this.problem !== null) break;
      page += 1;
    }
    if (this.slots.size === 0) this.#wanted = 0;
    return this.#wanted;
  }

  /** Loads a page, a day more at both ends so that other time zones' days are whole. */
  async load(page: number, { again = false }: { again?: boolean } = {}): Promise<void> {
    this.#turning.drop();
    this.#wanted = page;
    if (!this.#loaded.has(page) || again) await this.#ask(page);
  }

  async #ask(page: number): Promise<void> {
    const latest = this.#asking.get(page) ?? new Latest();
    this.#asking.set(page, latest);
    this.#failed.delete(page);
    const days = this.daysOf(page);
    const from = [addDays(days[0]!, -1), this.today].sort().at(-1)!;
    const to = [addDays(days.at(-1)!, 1), this.last].sort()[0]!;
    await latest.ask(() => this.source(from, to), {
      answer: (answer) => {
        for (const [start, slot] of this.slots) {
          const day = localDay(slot.starts_at, this.office.time_zone);
          if (day >= from && day <= to) this.slots.delete(start);
        }
        for (const slot of answer.slots) this.slots.set(slot.starts_at, slot);
        this.#loaded.add(page);
      },
      failure: (problem) => this.#failed.set(page, problem),
      settled: () => this.#asking.delete(page),
    });
  }
}
