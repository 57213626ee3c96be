import type { OfficeInfo, Slot } from "$shared/api/types";
import { localDay, ownTimeZone } from "$shared/i18n/format";
import type { Availability } from "./availability.svelte";
import { addMonths, monthOf, type Day, type Month } from "./months";
import type { Reservation } from "./reservation.svelte";
import { groupByDay } from "./slots";
import { zonesDiffer } from "./zones";

const EARLIEST = 3;

/** Which month, day and clock the citizen looks at while choosing a slot, and the slot they take. */
export class Picking {
  month = $state<Month>("");
  #picked = $state<Day | null>(null);
  /** To those whose clock differs, their own comes first; the office's stands beside it. */
  ownFirst = $state(true);
  problem = $state<unknown>(null);
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
  /** The day whose times are shown. */
  readonly day: Day | null;

  constructor(
    readonly office: OfficeInfo,
    readonly availability: Availability,
    readonly reservation: Reservation,
    readonly own: string = ownTimeZone(),
  ) {
    this.month = monthOf(availability.today);
    this.slots = $derived([...availability.slots.values()]);
    this.abroad = $derived(zonesDiffer(this.slots, own, office.time_zone));
    this.zone = $derived(this.abroad && this.ownFirst ? own : office.time_zone);
    this.second = $derived(this.abroad ? (this.ownFirst ? office.time_zone : own) : null);
    this.days = $derived(groupByDay(this.slots, this.zone));
    this.free = $derived(new Map([...this.days].map(([day, slots]) => [day, slots.length])));
    this.earliest = $derived([...this.days.values()].flat().slice(0, EARLIEST));
    this.day = $derived.by(() => {
      if (this.#picked && this.days.has(this.#picked)) return this.#picked;
      return [...this.days.keys()].find((day) => monthOf(day) === this.month) ?? null;
    });
  }

  async start(): Promise<void> {
    this.month = await this.availability.start();
    if (this.reservation.slot) this.show(this.reservation.slot);
  }

  pick(day: Day): void {
    this.#picked = day;
  }

  show(slot: Slot): void {
    this.#picked = localDay(slot.starts_at, this.zone);
    this.month = monthOf(this.#picked);
    void this.availability.load(this.month);
  }

  get canTurnBack(): boolean {
    return this.month > monthOf(this.availability.today);
  }

  get canTurnOn(): boolean {
    return this.month < this.availability.lastMonth;
  }

  async turn(count: number): Promise<void> {
    this.month = addMonths(this.month, count);
    this.#picked = null;
    await this.availability.load(this.month);
  }

  /** Takes a slot: `held`, `taken` by somebody else (the calendar is asked again), or `failed` (see `problem`). */
  async choose(slot: Slot): Promise<"held" | "taken" | "failed" | "busy"> {
    if (this.busy) return "busy";
    this.busy = slot.starts_at;
    this.problem = null;
    try {
      if (await this.reservation.reserve(slot)) {
        this.show(slot);
        return "held";
      }
      void this.availability.load(monthOf(localDay(slot.starts_at, this.office.time_zone)), { again: true });
      return "taken";
    } catch (problem) {
      this.problem = problem;
      return "failed";
    } finally {
      this.busy = null;
    }
  }
}
