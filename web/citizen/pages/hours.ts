import type { OfficeInfo, Weekday } from "$shared/api/types";

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
