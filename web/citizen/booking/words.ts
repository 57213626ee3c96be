import type { OfficeInfo, Slot } from "$shared/api/types";
import { booking } from "$shared/i18n/booking";
import { clocksDiffer, formatDate, formatMoney, formatShortDate, formatTimeRange, ownTimeZone, timeZoneName } from "$shared/i18n/format";
import { feeText, type FeeRange } from "./fees";

/** A fee range in the language shown. */
export function feeWords(range: FeeRange): string {
  return feeText(range, (cents) => formatMoney(cents), {
    free: booking.feeFree,
    sometimesFree: booking.sometimesFree,
    range: (from, to) => booking.feeRange(from, to),
  });
}

/** A place name as people say it: `New York` from `America/New_York`. */
export function placeOf(timeZone: string): string {
  return (timeZone.split("/").pop() ?? timeZone).replaceAll("_", " ");
}

/**
 * When an appointment is, as lines to print: the office's day and time first. To somebody whose clock shows another time
 * at that moment, their own day and time follow, and both say whose they are.
 */
export function whenLines(slot: Slot, office: Pick<OfficeInfo, "time_zone">, zone: string = ownTimeZone()): readonly string[] {
  const line = (timeZone: string): string =>
    `${formatDate(slot.starts_at, timeZone)}, ${formatTimeRange(slot.starts_at, slot.ends_at, timeZone)}`;
  if (!clocksDiffer(zone, office.time_zone, slot.starts_at)) return [line(office.time_zone)];
  return [
    `${line(office.time_zone)} (${timeZoneName(office.time_zone, slot.starts_at)})`,
    `${line(zone)} (${timeZoneName(zone, slot.starts_at)})`,
  ];
}

/** The same in one short line for narrow places. */
export function whenShort(slot: Slot, timeZone: string): string {
  return `${formatShortDate(slot.starts_at, timeZone)}, ${formatTimeRange(slot.starts_at, slot.ends_at, timeZone)}`;
}
