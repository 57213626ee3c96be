import type { Slot } from "$shared/api/types";
import { clocksDiffer, formatShortDate, formatTime, localDay, shortZoneName } from "$shared/i18n/format";

const HALF_HOUR_MS = 1_800_000;

/** Whether the wall clock of a zone shows this time twice: the hour that the end of summer time repeats. */
export function isRepeated(instant: string, timeZone: string): boolean {
  const at = Date.parse(instant);
  // Zones turn their clocks by an hour or (Lord Howe) by half of one.
  return [-2, -1, 1, 2].some((halves) => !clocksDifferBetween(at, at + halves * HALF_HOUR_MS, timeZone));
}

function clocksDifferBetween(one: number, other: number, timeZone: string): boolean {
  const wall = (at: number): string => `${localDay(new Date(at), timeZone)} ${formatTime(new Date(at), timeZone, "de")}`;
  return wall(one) !== wall(other);
}

/** A slot's time on the wall clock, with the zone's name (`02:30 MEZ`) where the clock shows it twice. */
export function clockOf(instant: string, timeZone: string): string {
  const time = formatTime(instant, timeZone);
  return isRepeated(instant, timeZone) ? `${time} ${shortZoneName(timeZone, instant)}` : time;
}

/** The same slot on another wall clock; where that shows another day, the day is said, too: `Mi., 25. Nov., 01:30`. */
export function otherClockOf(instant: string, shown: string, other: string): string {
  const sameDay = localDay(instant, shown) === localDay(instant, other);
  return sameDay ? clockOf(instant, other) : `${formatShortDate(instant, other)}, ${clockOf(instant, other)}`;
}

/** Whether two zones show another time at any of these slots: in one half of the year they may agree, in the other not. */
export function zonesDiffer(slots: readonly Slot[], one: string, other: string): boolean {
  if (one === other) return false;
  const days = new Map(slots.map((slot) => [slot.starts_at.slice(0, 10), slot.starts_at]));
  return [...days.values()].some((instant) => clocksDiffer(one, other, instant));
}
