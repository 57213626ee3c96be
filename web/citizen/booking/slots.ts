import type { Slot } from "$shared/api/types";
import { formatTime } from "$shared/i18n/format";

export type PartOfDay = "night" | "morning" | "afternoon" | "evening";
export const PARTS: readonly PartOfDay[] = ["night", "morning", "afternoon", "evening"];

/** The hour on the wall clock of a time zone, 0 to 23. */
export function hourOf(instant: string, timeZone: string): number {
  return Number(formatTime(instant, timeZone, "de").slice(0, 2));
}

export function partOfDay(instant: string, timeZone: string): PartOfDay {
  return PARTS[Math.floor(hourOf(instant, timeZone) / 6)] ?? "night";
}

/** A day's slots by part of the day; parts without a free slot are left out. */
export function groupByPart(slots: readonly Slot[], timeZone: string): ReadonlyMap<PartOfDay, readonly Slot[]> {
  const parts = new Map<PartOfDay, Slot[]>();
  for (const part of PARTS) {
    const inside = slots.filter((slot) => partOfDay(slot.starts_at, timeZone) === part);
    if (inside.length > 0) parts.set(part, inside);
  }
  return parts;
}

/** Slots by full hour, for days with so many that a flat list cannot be read. */
export function groupByHour(slots: readonly Slot[], timeZone: string): ReadonlyMap<number, readonly Slot[]> {
  const hours = new Map<number, Slot[]>();
  for (const slot of slots) {
    const hour = hourOf(slot.starts_at, timeZone);
    const found = hours.get(hour);
    if (found) found.push(slot);
    else hours.set(hour, [slot]);
  }
  return hours;
}
