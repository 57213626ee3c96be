/** Free slots by day and hour, for a clerk who looks for a time with somebody on the phone. */
import { groupByDay } from "$shared/booking/slots";
import { clock, shiftDay, wallTime } from "../time";
import type { OfficeSlot } from "../types";

export interface DaySlots {
  readonly day: string;
  readonly slots: readonly OfficeSlot[];
}

export interface HourSlots {
  /** "08". */
  readonly hour: string;
  /** `returns`: the clock when the public sees it again; null for what everybody sees. */
  readonly slots: readonly { readonly startsAt: string; readonly label: string; readonly returns: string | null }[];
}

/** How many days one look at the server covers. */
export const WINDOW_DAYS = 14;

/** Days with free slots, in order. */
export function byDay(slots: readonly OfficeSlot[], zone: string): DaySlots[] {
  return [...groupByDay(slots, zone)].map(([day, own]) => ({ day, slots: own }));
}

/** A day's slots in rows of an hour. Of an hour that autumn repeats both passes stand in one row, in order. */
export function byHour(slots: readonly OfficeSlot[], zone: string): HourSlots[] {
  const hours = new Map<string, HourSlots["slots"][number][]>();
  for (const slot of slots) {
    const label = clock(wallTime(slot.starts_at, zone).minute);
    const row = hours.get(label.slice(0, 2)) ?? [];
    row.push({ startsAt: slot.starts_at, label, returns: slot.returns_at === null ? null : clock(wallTime(slot.returns_at, zone).minute) });
    hours.set(label.slice(0, 2), row);
  }
  return [...hours].map(([hour, own]) => ({ hour, slots: own }));
}

/** The days of a look that begins `first`. */
export const windowFrom = (first: string): { from: string; to: string } => ({ from: first, to: shiftDay(first, WINDOW_DAYS - 1) });
