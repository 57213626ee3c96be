/** Free slots by day and hour, for a clerk who looks for a time with somebody on the phone. */
import type { Slot } from "$shared/api/types";
import { groupByDay } from "$shared/booking/slots";
import { clock, shiftDay, wallTime } from "../time";

export interface DaySlots {
  readonly day: string;
  readonly slots: readonly Slot[];
}

export interface HourSlots {
  /** "08". */
  readonly hour: string;
  readonly slots: readonly { readonly startsAt: string; readonly label: string }[];
}

/** How many days one look at the server covers. */
export const WINDOW_DAYS = 14;

/** Days with free slots, in order. */
export function byDay(slots: readonly Slot[], zone: string): DaySlots[] {
  return [...groupByDay(slots, zone)].map(([day, own]) => ({ day, slots: own }));
}

/** A day's slots in rows of an hour. Of an hour that autumn repeats both passes stand in one row, in order. */
export function byHour(slots: readonly Slot[], zone: string): HourSlots[] {
  const hours = new Map<string, { startsAt: string; label: string }[]>();
  for (const slot of slots) {
    const label = clock(wallTime(slot.starts_at, zone).minute);
    const row = hours.get(label.slice(0, 2)) ?? [];
    row.push({ startsAt: slot.starts_at, label });
    hours.set(label.slice(0, 2), row);
  }
  return [...hours].map(([hour, own]) => ({ hour, slots: own }));
}

/** The days of a look that begins `first`. */
export const windowFrom = (first: string): { from: string; to: string } => ({ from: first, to: shiftDay(first, WINDOW_DAYS - 1) });
