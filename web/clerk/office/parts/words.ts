/** Dates, durations and shares in the words of the language shown. */
import { office } from "$shared/i18n/clerk-office";
import { figures } from "$shared/i18n/clerk-statistics";
import { language } from "$shared/i18n/language.svelte";
import type { Weekday } from "../types";

const locale = (): string => (language.current === "de" ? "de-DE" : "en-GB");

const dated = (day: string, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" }).format(new Date(`${day}T12:00:00Z`));

/** "Montag, 23. November". */
export const longDay = (day: string): string => dated(day, { weekday: "long", day: "numeric", month: "long" });
/** "Mo., 23. Nov.". */
export const shortDay = (day: string): string => dated(day, { weekday: "short", day: "numeric", month: "short" });
/** "23.11.", "23/11". */
export const numericDay = (day: string): string => dated(day, { day: "2-digit", month: "2-digit" });
/** "23. November 2026". */
export const dateOf = (day: string): string => dated(day, { day: "numeric", month: "long", year: "numeric" });
/** "23. Nov. 2026" */
export const briefDate = (day: string): string => dated(day, { day: "numeric", month: "short", year: "numeric" });

/** "23.–29. November 2026", as short as the language can say it. */
export function dayRange(first: string, last: string): string {
  const format = new Intl.DateTimeFormat(locale(), { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  return format.formatRange(new Date(`${first}T12:00:00Z`), new Date(`${last}T12:00:00Z`));
}

/** "62 %". */
export const percent = (share: number): string => new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(share);
/** "12,5 %": for small shares. */
export const finePercent = (share: number): string => new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(share);
export const number = (value: number, digits = 0): string => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);

/** "3,5 Std." below two days, "4 Tage" above. */
export const leadTime = (hours: number): string => (hours < 48 ? figures.hoursUnit(number(hours, hours < 10 ? 1 : 0)) : figures.days(number(hours / 24, hours < 240 ? 1 : 0)));
/** "45 Sek.", "3,5 Min.". */
export const duration = (seconds: number): string =>
  seconds < 90 ? figures.secondsUnit(number(seconds)) : figures.minutesUnit(number(seconds / 60, seconds < 600 ? 1 : 0));
/** Minutes of a shift in hours: "3,5 Std.", "2 Tage". */
export const shiftOf = (minutes: number): string => {
  const size = Math.abs(minutes);
  return size < 60 ? figures.minutesUnit(number(size)) : size < 24 * 60 ? figures.hoursUnit(number(size / 60, 1)) : figures.days(number(size / 1440, 1));
};

export const weekdayName = (day: Weekday): string => office[day];
export const weekdayShort = (day: Weekday): string => office[`${day}Short`];

/** The number of an ISO 8601 week, by its Monday. */
export function weekNumber(monday: string): number {
  const thursday = new Date(`${monday}T12:00:00Z`);
  thursday.setUTCDate(thursday.getUTCDate() + 3);
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return Math.floor((thursday.getTime() - first) / (7 * 86_400_000)) + 1;
}
