import type { OfficeInfo, Weekday } from "$shared/api/types";
import type { LocalisedText } from "$shared/i18n/language.svelte";

const WEEK: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export interface HoursLine {
  readonly from: Weekday;
  readonly to: Weekday;
  readonly spans: readonly string[];
}

/** Opening hours with neighbouring days of the same hours put together: `mon-fri 08:00–12:00`. Closed days are left out. */
export function openingLines(hours: OfficeInfo["opening_hours"]): readonly HoursLine[] {
  const lines: HoursLine[] = [];
  let before = -2;
  for (const [index, weekday] of WEEK.entries()) {
    const spans = hours
      .filter((entry) => entry.weekday === weekday)
      .sort((one, other) => one.opens.localeCompare(other.opens))
      .map(({ opens, closes }) => `${opens}–${closes}`);
    if (spans.length === 0) continue;
    const last = lines.at(-1);
    if (last && index === before + 1 && last.spans.join() === spans.join()) lines[lines.length - 1] = { ...last, to: weekday };
    else lines.push({ from: weekday, to: weekday, spans });
    before = index;
  }
  return lines;
}

/** A weekday's name in a language, e.g. `Montag`. */
export function weekdayName(weekday: Weekday, locale: string): string {
  // 1 January 2024 was a Monday.
  return new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + WEEK.indexOf(weekday)));
}

interface Words {
  /** A day `YYYY-MM-DD` in the language shown. */
  readonly day: (day: string) => string;
  readonly closed: (days: string) => string;
  readonly open: (day: string, hours: string) => string;
  readonly said: (text: LocalisedText) => string;
}

/** The days of the coming weeks that differ from the weekly hours, in order, each with its reason if there is one. */
export function exceptionLines({ special_days, closures }: Pick<OfficeInfo, "special_days" | "closures">, words: Words): readonly string[] {
  const why = (text: LocalisedText | null | undefined): string => (text ? ` (${words.said(text)})` : "");
  const closed = closures.map(({ first, last, reason }) => ({
    first,
    line: words.closed(first === last ? words.day(first) : `${words.day(first)} – ${words.day(last)}`) + why(reason),
  }));
  const special = special_days.map(({ day, hours, note }) => {
    const spans = hours.map(({ opens, closes }) => `${opens.slice(0, 5)}–${closes.slice(0, 5)}`).join(", ");
    return { first: day, line: (spans ? words.open(words.day(day), spans) : words.closed(words.day(day))) + why(note) };
  });
  return [...closed, ...special].sort((one, other) => one.first.localeCompare(other.first)).map(({ line }) => line);
}
