import type { Category, Need, OfficeInfo, Slot } from "$shared/api/types";
import { booking } from "$shared/i18n/booking";
import { clocksDiffer, formatDate, formatMoney, formatShortDate, formatTime, formatTimeRange, localDay, ownTimeZone, shortZoneName } from "$shared/i18n/format";
import { localised } from "$shared/i18n/language.svelte";
import { services } from "$shared/i18n/services";
import { manage } from "$shared/i18n/manage";
import { feeText, type FeeRange } from "./fees";
import type { Item } from "./catalogue";
import { isRepeated } from "./zones";

/** A fee range in the language shown. */
export function feeWords(range: FeeRange): string {
  return feeText(range, (cents) => formatMoney(cents), {
    free: booking.feeFree,
    freeFor: (who) => booking.freeFor(who.map(localised)),
    range: (from, to) => booking.feeRange(from, to),
  });
}

/** What a group of the catalogue is called. */
export function categoryName(category: Category): string {
  const names: Record<Category, string> = services;
  return names[category] ?? services.others;
}

/** A chosen service in words, with the number of people when there are several. */
export function itemName({ service, persons }: Item): string {
  return persons > 1 ? manage.persons(localised(service.name), persons) : localised(service.name);
}

/** What support somebody asked for, in words. */
export function needName(need: Need): string {
  const names: Record<Need, string> = {
    interpreter: booking.needInterpreter,
    sign_language_interpreter: booking.needSignLanguage,
    companion: booking.needCompanion,
  };
  return names[need];
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

/** From when to when on a wall clock; in the hour that the end of summer time repeats with the zone's names. */
export function rangeOf(slot: Slot, timeZone: string): string {
  const ends = [slot.starts_at, slot.ends_at] as const;
  if (!ends.some((instant) => isRepeated(instant, timeZone))) return formatTimeRange(...ends, timeZone);
  const [from, to] = ends.map((instant) => ({ time: formatTime(instant, timeZone), zone: shortZoneName(timeZone, instant) })) as [Clock, Clock];
  return from.zone === to.zone ? `${from.time}–${to.time} ${to.zone}` : `${from.time} ${from.zone}–${to.time} ${to.zone}`;
}

interface Clock {
  readonly time: string;
  readonly zone: string;
}

/**
 * When an appointment is, as lines to print: the office's day, then its time. To somebody whose clock shows another time
 * at that moment, their own time follows (with the day, if that differs too), and both lines say whose they are.
 */
export function whenLines(slot: Slot, office: Pick<OfficeInfo, "time_zone">, zone: string = ownTimeZone(office.time_zone)): readonly string[] {
  const day = formatDate(slot.starts_at, office.time_zone);
  if (!clocksDiffer(zone, office.time_zone, slot.starts_at)) return [day, booking.clock(rangeOf(slot, office.time_zone))];
  const sameDay = localDay(slot.starts_at, zone) === localDay(slot.starts_at, office.time_zone);
  return [
    day,
    booking.officeTime(rangeOf(slot, office.time_zone), placeOf(office.time_zone)),
    booking.ownTime(sameDay ? rangeOf(slot, zone) : whenShort(slot, zone), placeOf(zone)),
  ];
}

/** The same in one short line for narrow places. */
export function whenShort(slot: Slot, timeZone: string): string {
  return `${formatShortDate(slot.starts_at, timeZone)}, ${rangeOf(slot, timeZone)}`;
}
