import { language, type Language } from "./language.svelte";

// British English: 24-hour times and day before month are what an office in Germany prints.
const LOCALES: Record<Language, string> = { de: "de-DE", en: "en-GB" };

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(shown: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = shown + JSON.stringify(options);
  let found = formatters.get(key);
  if (!found) formatters.set(key, (found = new Intl.DateTimeFormat(LOCALES[shown], options)));
  return found;
}

/**
 * The IANA name of the time zone that the visitor's device is set to, e.g. `Europe/Berlin`. A device that names none, or
 * one that its own browser cannot calculate with (`Etc/Unknown`), has the office's.
 */
export function ownTimeZone(office: string): string {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    new Intl.DateTimeFormat("de-DE", { timeZone: own });
    // Some browsers name what they do not know, and take the name back.
    return own && own !== "Etc/Unknown" ? own : office;
  } catch {
    return office;
  }
}

/** `Donnerstag, 26. November 2026` · `Thursday 26 November 2026`. */
export function formatDate(instant: string | Date, timeZone: string, shown: Language = language.current): string {
  return formatter(shown, { timeZone, weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(new Date(instant));
}

/** `Do., 26. Nov.` · `Thu, 26 Nov`. */
export function formatShortDate(instant: string | Date, timeZone: string, shown: Language = language.current): string {
  return formatter(shown, { timeZone, weekday: "short", day: "numeric", month: "short" }).format(new Date(instant));
}

/** `14:05`, always 24 hours. */
export function formatTime(instant: string | Date, timeZone: string, shown: Language = language.current): string {
  return formatter(shown, { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(instant));
}

/** `14:05–14:20`. */
export function formatTimeRange(from: string, to: string, timeZone: string, shown: Language = language.current): string {
  return `${formatTime(from, timeZone, shown)}–${formatTime(to, timeZone, shown)}`;
}

/** `Donnerstag, 26. November 2026, 14:05 Uhr` · `Thursday 26 November 2026, 14:05`. */
export function formatDateTime(instant: string | Date, timeZone: string, shown: Language = language.current): string {
  const time = formatTime(instant, timeZone, shown);
  return `${formatDate(instant, timeZone, shown)}, ${shown === "de" ? `${time} Uhr` : time}`;
}

/** `2026-11-26`: the calendar day of an instant in a time zone. */
export function localDay(instant: string | Date, timeZone: string): string {
  return isoDay(timeZone).format(new Date(instant));
}

const isoDays = new Map<string, Intl.DateTimeFormat>();

// Kept, since a month of slots asks thousands of times and making a formatter is slow.
function isoDay(timeZone: string): Intl.DateTimeFormat {
  let found = isoDays.get(timeZone);
  // The Swedish locale writes dates as ISO 8601 does.
  if (!found) isoDays.set(timeZone, (found = new Intl.DateTimeFormat("sv-SE", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" })));
  return found;
}

/** `MEZ` or `MESZ` · `CET` or `CEST`: what tells the two passes of a repeated hour apart. */
export function shortZoneName(timeZone: string, instant: string | Date, shown: Language = language.current): string {
  const parts = formatter(shown, { timeZone, timeZoneName: "short", hour: "2-digit" }).formatToParts(new Date(instant));
  return parts.find((part) => part.type === "timeZoneName")?.value ?? timeZone;
}

/** `mitteleuropäische Zeit` · `Central European Standard Time`, as it is called at that instant. */
export function timeZoneName(timeZone: string, instant: string | Date = new Date(), shown: Language = language.current): string {
  const parts = formatter(shown, { timeZone, timeZoneName: "long" }).formatToParts(new Date(instant));
  return parts.find((part) => part.type === "timeZoneName")?.value ?? timeZone;
}

/** Whether two zones show another wall clock time at that instant. */
export function clocksDiffer(one: string, other: string, instant: string | Date): boolean {
  const wall = (timeZone: string): string => `${localDay(instant, timeZone)} ${formatTime(instant, timeZone, "de")}`;
  return wall(one) !== wall(other);
}

/** `13,00 €` · `€13.00`. */
export function formatMoney(cents: number, currency = "EUR", shown: Language = language.current): string {
  return new Intl.NumberFormat(LOCALES[shown], { style: "currency", currency }).format(cents / 100);
}

/** `4:59` from 299 seconds; never negative. */
export function formatCountdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
