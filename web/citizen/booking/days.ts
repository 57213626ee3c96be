/** A calendar day as `YYYY-MM-DD`; arithmetic on it knows no time zone. */
export type Day = string;

const DAY_MS = 86_400_000;
const utc = (day: Day): Date => new Date(`${day}T00:00:00Z`);
const iso = (date: Date): Day => date.toISOString().slice(0, 10);

export function addDays(day: Day, count: number): Day {
  const date = utc(day);
  date.setUTCDate(date.getUTCDate() + count);
  return iso(date);
}

/** How many days from one to another; negative when the other is earlier. */
export const daysBetween = (one: Day, other: Day): number => (utc(other).getTime() - utc(one).getTime()) / DAY_MS;

export const daysFrom = (first: Day, count: number): readonly Day[] => Array.from({ length: Math.max(0, count) }, (_, index) => addDays(first, index));

/** 0 for Monday to 6 for Sunday. */
export const weekdayOf = (day: Day): number => (utc(day).getUTCDay() + 6) % 7;

/** Days in order as weeks, Monday first; null where a week begins before or ends after them. */
export function weeksOf(days: readonly Day[]): readonly (readonly (Day | null)[])[] {
  const [first] = days;
  if (first === undefined) return [];
  const cells: (Day | null)[] = [...Array<null>(weekdayOf(first)).fill(null), ...days];
  while (cells.length % 7 !== 0) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/**
 * Where a key leads from a day in a grid of weeks (ARIA's pattern for grids): a day or a week on or back, the ends of the
 * week, the same weekday two weeks away. Null for other keys. The day may lie on another page.
 */
export function dayAfterKey(day: Day, key: string): Day | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -7,
    ArrowDown: 7,
    Home: -weekdayOf(day),
    End: 6 - weekdayOf(day),
    PageUp: -14,
    PageDown: 14,
  };
  const step = steps[key];
  return step === undefined ? null : addDays(day, step);
}
