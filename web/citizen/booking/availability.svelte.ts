import { SvelteMap } from "svelte/reactivity";

import { serverNow } from "$shared/api/clock";
import type { OfficeInfo, Slot, Slots } from "$shared/api/types";
import { localDay } from "$shared/i18n/format";
import { addDays, addMonths, firstDay, lastDay, monthOf, type Day, type Month } from "./months";

/** Asks for the free slots of days of the office, both included. */
export type Source = (from: Day, to: Day) => Promise<Slots>;

/** The free slots of an office, month by month, as the citizen turns the calendar's pages. */
export class Availability {
  slots = new SvelteMap<string, Slot>();
  loading = $state(true);
  problem = $state<unknown>(null);

  readonly today: Day;
  readonly last: Day;
  #loaded = new Set<Month>();

  constructor(
    private readonly office: Pick<OfficeInfo, "time_zone" | "booking">,
    private readonly source: Source,
  ) {
    this.today = localDay(new Date(serverNow()), office.time_zone);
    this.last = addDays(this.today, office.booking.horizon_days);
  }

  get lastMonth(): Month {
    return monthOf(this.last);
  }

  /** Loads the first month, and the following ones until something is free. Returns the month to show. */
  async start(): Promise<Month> {
    let month = monthOf(this.today);
    await this.load(month);
    while (this.slots.size === 0 && month < this.lastMonth && this.problem === null) {
      month = addMonths(month, 1);
      await this.load(month);
    }
    return this.slots.size === 0 ? monthOf(this.today) : month;
  }

  /** Loads a month, a day more at both ends so that other time zones' days are whole. */
  async load(month: Month, { again = false }: { again?: boolean } = {}): Promise<void> {
    if (this.#loaded.has(month) && !again) return;
    this.loading = true;
    this.problem = null;
    const from = [addDays(firstDay(month), -1), this.today].sort().at(-1)!;
    const to = [addDays(lastDay(month), 1), this.last].sort()[0]!;
    try {
      const answer = await this.source(from, to);
      for (const [start, slot] of this.slots) {
        const day = localDay(slot.starts_at, this.office.time_zone);
        if (day >= from && day <= to) this.slots.delete(start);
      }
      for (const slot of answer.slots) this.slots.set(slot.starts_at, slot);
      this.#loaded.add(month);
    } catch (problem) {
      this.problem = problem;
    } finally {
      this.loading = false;
    }
  }
}
