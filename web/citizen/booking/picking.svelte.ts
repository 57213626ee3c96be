import type { OfficeInfo, Slot } from "$shared/api/types";
import { groupByDay } from "$shared/booking/slots";
import { localDay, ownTimeZone } from "$shared/i18n/format";
import type { Availability } from "./availability.svelte";
import { addDays, type Day } from "./days";
import type { Reservation, Reserved } from "./reservation.svelte";
import { zonesDiffer } from "./zones";

const EARLIEST = 3;

/** Which page of days, day and clock the citizen looks at while choosing a slot, and the slot they take. */
export class Picking {
  page = $state(0);
  #picked = $state<Day | null>(null);
  /** To those whose clock differs, their own comes first; the office's stands beside it. */
  ownFirst = $state(true);
  problem = $state<unknown>(null);
  /** Where the calendar opens is not known yet. */
  starting = $state(false);
  /** The slot that is being reserved. */
  busy = $state<string | null>(null);

  readonly slots: readonly Slot[];
  readonly abroad: boolean;
  /** The clock that days and large times follow, and the one that stands small beside it. */
  readonly zone: string;
  readonly second: string | null;
  readonly days: ReadonlyMap<Day, readonly Slot[]>;
  /** How many slots a day has. */
  readonly free: ReadonlyMap<Day, number>;
  readonly earliest: readonly Slot[];
  /** The days of the page. */
  readonly shown: readonly Day[];
  /** The day whose times are shown. */
  readonly day: Day | null;

  constructor(
    readonly office: OfficeInfo,
    readonly availability: Availability,
    readonly reservation: Reservation,
    readonly own: string = ownTimeZone(office.time_zone),
  ) {
    this.slots = $derived([...availability.slots.values()]);
    this.abroad = $derived(zonesDiffer(this.slots, own, office.time_zone));
    this.zone = $derived(this.abroad && this.ownFirst ? own : office.time_zone);
    this.second = $derived(this.abroad ? (this.ownFirst ? office.time_zone : own) : null);
    this.days = $derived(groupByDay(this.slots, this.zone));
    this.free = $derived(new Map([...this.days].map(([day, slots]) => [day, slots.length])));
    this.earliest = $derived([...this.days.values()].flat().slice(0, EARLIEST));
    this.shown = $derived.by(() => {
      const days = availability.daysOf(this.page);
      // On another clock the first slots may be on the day before, the last ones on the day after.
      const [before, after] = [addDays(days[0]!, -1), addDays(days.at(-1)!, 1)];
      return [
        ...(this.page === 0 && this.days.has(before) ? [before] : []),
        ...days,
        ...(this.page === availability.lastPage && this.days.has(after) ? [after] : []),
      ];
    });
    this.day = $derived.by(() => {
      if (this.#picked && this.days.has(this.#picked)) return this.#picked;
      return this.shown.find((day) => this.days.has(day)) ?? null;
    });
  }

  /** Opens the calendar: at the slot that is held, else on the day of `around` if it has something free, else at the first free one. */
  async start(around: string | null = null): Promise<void> {
    this.starting = true;
    const page = await this.availability.start();
    if (page !== null) this.page = page;
    if (this.reservation.slot) this.show(this.reservation.slot);
    else if (around !== null && page !== null && this.slots.length > 0) await this.#openAt(localDay(around, this.zone));
    this.starting = false;
  }

  async #openAt(day: Day): Promise<void> {
    const page = this.availability.pageOf(day);
    await this.availability.load(page);
    if (!this.days.has(day)) {
      void this.availability.load(this.page);
      return;
    }
    this.page = page;
    this.#picked = day;
  }

  pick(day: Day): void {
    this.#picked = day;
  }

  show(slot: Slot): void {
    this.#picked = localDay(slot.starts_at, this.zone);
    this.page = this.availability.pageOf(this.#picked);
    void this.availability.load(this.page);
  }

  get canTurnBack(): boolean {
    return this.page > 0;
  }

  get canTurnOn(): boolean {
    return this.page < this.availability.lastPage;
  }

  async turn(count: number): Promise<void> {
    this.page += count;
    this.#picked = null;
    await this.availability.load(this.page);
  }

  /** Takes a slot: as `Reserved` says (when it is taken the calendar is asked again), or `failed` (see `problem`). */
  async choose(slot: Slot): Promise<Reserved | "failed" | "busy"> {
    if (this.busy) return "busy";
    this.busy = slot.starts_at;
    this.problem = null;
    try {
      const outcome = await this.reservation.reserve(slot);
      if (outcome === "held") this.show(slot);
      if (outcome !== "taken") return outcome;
      void this.availability.load(this.availability.pageOf(localDay(slot.starts_at, this.office.time_zone)), { again: true });
      return "taken";
    } catch (problem) {
      this.problem = problem;
      return "failed";
    } finally {
      this.busy = null;
    }
  }
}
