/**
 * Wall clocks of the office: the grid shows local minutes of local days, the wire carries UTC.
 *
 * A minute that spring leaves out is read on the clock of before; one that autumn repeats means its first occurrence.
 */
import { shiftDay } from "../model/agenda";
import { WEEKDAYS, type Weekday } from "./types";

export { shiftDay };

export interface WallTime {
  /** Local calendar day, "2026-11-23". */
  readonly day: string;
  /** Minutes after local midnight, as a clock shows them. */
  readonly minute: number;
}

const QUARTER_MS = 15 * 60_000;
const formatters = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

function partsOf(instant: number, zone: string): number {
  let formatter = formatters.get(zone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formatters.set(zone, formatter);
  }
  const part = Object.fromEntries(formatter.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part["year"] ?? 0, (part["month"] ?? 1) - 1, part["day"], part["hour"], part["minute"], part["second"]);
}

/** How far the zone's clock is ahead of UTC at that instant, in ms. Zones change on quarters of an hour, so one answer serves 15 minutes. */
function offsetAt(instant: number, zone: string): number {
  const quarter = Math.floor(instant / QUARTER_MS);
  const key = `${zone} ${quarter}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    offset = partsOf(quarter * QUARTER_MS, zone) - quarter * QUARTER_MS;
    if (offsets.size > 20_000) offsets.clear();
    offsets.set(key, offset);
  }
  return offset;
}

/** What the office's clock and calendar show at an instant. */
export function wallTime(instant: string | number, zone: string): WallTime {
  const at = typeof instant === "number" ? instant : Date.parse(instant);
  const local = new Date(at + offsetAt(at, zone));
  return { day: local.toISOString().slice(0, 10), minute: local.getUTCHours() * 60 + local.getUTCMinutes() };
}

/** The instant (UTC, ISO 8601) at which the office's clock shows `minute` on `day`; 1440 is the day's end. */
export function instantOf(day: string, minute: number, zone: string): string {
  const local = Date.parse(`${day}T00:00:00Z`) + minute * 60_000;
  // Both guesses are right but around a change; the earlier one is the first occurrence of a repeated minute.
  const guesses = [local - offsetAt(local - 86_400_000, zone), local - offsetAt(local + 86_400_000, zone)];
  const fitting = guesses.filter((guess) => guess + offsetAt(guess, zone) === local);
  const at = fitting.length > 0 ? Math.min(...fitting) : Math.max(...guesses);
  return new Date(at).toISOString().replace(".000Z", "Z");
}

/** The Monday of a day's week. */
export function mondayOf(day: string): string {
  return shiftDay(day, -((new Date(`${day}T12:00:00Z`).getUTCDay() + 6) % 7));
}

export function weekdayOf(day: string): Weekday {
  return WEEKDAYS[(new Date(`${day}T12:00:00Z`).getUTCDay() + 6) % 7] ?? "mon";
}

/** Whole days from one day to another. */
export function daysBetween(first: string, last: string): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000);
}

/** "08:05"; 1440 is "24:00". */
export function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

/** The minute that somebody typed: "8", "8:5", "0830", "8.30 Uhr", "24:00"; null when it is no time of day. */
export function parseClock(typed: string): number | null {
  const text = typed.trim().replace(/\s*(uhr|h)$/i, "");
  const match = /^(\d{1,2})(?:[:.,h ](\d{1,2}))?$/.exec(text) ?? /^(\d{1,2})(\d{2})$/.exec(text);
  if (!match) return null;
  const minute = Number(match[1]) * 60 + Number(match[2] ?? 0);
  return Number(match[2] ?? 0) > 59 || minute > 1440 ? null : minute;
}

/** Whether a string is a calendar day that exists. */
export function isDay(text: string | null): text is string {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
}
