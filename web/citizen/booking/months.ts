/** A calendar day as `YYYY-MM-DD` and a month as `YYYY-MM`; arithmetic on them knows no time zone. */
export type Day = string;
export type Month = string;

const utc = (day: Day): Date => new Date(`${day}T00:00:00Z`);
const iso = (date: Date): Day => date.toISOString().slice(0, 10);

export const monthOf = (day: Day): Month => day.slice(0, 7);
export const firstDay = (month: Month): Day => `${month}-01`;

export function addDays(day: Day, count: number): Day {
  const date = utc(day);
  date.setUTCDate(date.getUTCDate() + count);
  return iso(date);
}

export function addMonths(month: Month, count: number): Month {
  const date = utc(firstDay(month));
  date.setUTCMonth(date.getUTCMonth() + count);
  return monthOf(iso(date));
}

export const lastDay = (month: Month): Day => addDays(firstDay(addMonths(month, 1)), -1);

/** The weeks of a month, Monday first; null where a week reaches into another month. */
export function weeksOf(month: Month): readonly (readonly (Day | null)[])[] {
  const lead = (utc(firstDay(month)).getUTCDay() + 6) % 7;
  const length = Number(lastDay(month).slice(8));
  const cells: (Day | null)[] = [
    ...Array<null>(lead).fill(null),
    ...Array.from({ length }, (_, index) => addDays(firstDay(month), index)),
  ];
  while (cells.length % 7 !== 0) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}
