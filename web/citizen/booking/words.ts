import type { OfficeInfo, Slot } from "$shared/api/types";
import { booking } from "$shared/i18n/booking";
import { clocksDiffer, formatDate, formatMoney, formatShortDate, formatTimeRange, localDay, ownTimeZone } from "$shared/i18n/format";
import { feeText, type FeeRange } from "./fees";

/** A fee range in the language shown. */
export function feeWords(range: FeeRange): string {
  return feeText(range, (cents) => formatMoney(cents), {
    free: booking.feeFree,
    sometimesFree: booking.sometimesFree,
    range: (from, to) => booking.feeRange(from, to),
  });
}

// Browsers still answer with names that the time zone database gave up.
const RENAMED: Readonly<Record<string, string>> = {
  "Asia/Calcutta": "Kolkata",
  "Asia/Katmandu": "Kathmandu",
  "Asia/Rangoon": "Yangon",
  "Asia/Saigon": "Ho Chi Minh",
  "Europe/Kiev": "Kyiv",
};

/** A place name as people say it: `New York` from `America/New_York`. */
export function placeOf(timeZone: string): string {
  return RENAMED[timeZone] ?? (timeZone.split("/").pop() ?? timeZone).replaceAll("_", " ");
}

/**
 * When an appointment is, as lines to print: the office's day, then its time. To somebody whose clock shows another time
 * at that moment, their own time follows (with the day, if that differs too), and both lines say whose they are.
 */
export function whenLines(slot: Slot, office: Pick<OfficeInfo, "time_zone">, zone: string = ownTimeZone()): readonly string[] {
  const range = (timeZone: string): string => formatTimeRange(slot.starts_at, slot.ends_at, timeZone);
  const day = formatDate(slot.starts_at, office.time_zone);
  if (!clocksDiffer(zone, office.time_zone, slot.starts_at)) return [day, booking.clock(range(office.time_zone))];
  const sameDay = localDay(slot.starts_at, zone) === localDay(slot.starts_at, office.time_zone);
  return [
    day,
    booking.officeTime(range(office.time_zone), placeOf(office.time_zone)),
    booking.ownTime(sameDay ? range(zone) : whenShort(slot, zone), placeOf(zone)),
  ];
}

/** The same in one short line for narrow places. */
export function whenShort(slot: Slot, timeZone: string): string {
  return `${formatShortDate(slot.starts_at, timeZone)}, ${formatTimeRange(slot.starts_at, slot.ends_at, timeZone)}`;
}
