/** Statistics as they are shown: a series of weeks, and one line per service over the whole period. */
import { mondayOf, shiftDay } from "../time";
import type { StatisticsRow } from "../types";

export interface Period {
  /** Days of the office, both included. */
  readonly from: string;
  readonly to: string;
}

/** The current week and so many weeks before it, in whole weeks. */
export function lastWeeks(count: number, today: string): Period {
  const monday = mondayOf(today);
  return { from: shiftDay(monday, -7 * (count - 1)), to: shiftDay(monday, 6) };
}

/** All services together, one row per week, oldest first. */
export function weeksOf(rows: readonly StatisticsRow[]): StatisticsRow[] {
  return rows.filter((row) => row.service_id === null).sort((a, b) => (a.monday < b.monday ? -1 : 1));
}

export interface ServiceFigures {
  readonly serviceId: string;
  readonly booked: number;
  readonly completed: number;
  readonly cancelled: number;
  readonly noShow: number;
  /** Of the appointments whose time has come; null while there is none. */
  readonly noShowRate: number | null;
  readonly leadHours: number | null;
  readonly waitSeconds: number | null;
  readonly talkSeconds: number | null;
  /** Appointments booked in each week of the period, oldest first, for a small picture of the course. */
  readonly course: readonly number[];
}

/** The median of the weeks' medians, a week counting as often as it had appointments. */
function typical(rows: readonly StatisticsRow[], figure: (row: StatisticsRow) => number | null): number | null {
  const known = rows
    .map((row) => ({ value: figure(row), weight: Math.max(1, row.booked) }))
    .filter((one): one is { value: number; weight: number } => one.value !== null)
    .sort((a, b) => a.value - b.value);
  const half = known.reduce((sum, one) => sum + one.weight, 0) / 2;
  let sum = 0;
  for (const one of known) {
    sum += one.weight;
    if (sum >= half) return one.value;
  }
  return null;
}

const total = (rows: readonly StatisticsRow[], figure: "booked" | "completed" | "cancelled" | "aborted" | "no_show"): number =>
  rows.reduce((sum, row) => sum + row[figure], 0);

/** Of the appointments whose time has come, how many nobody came to; null while there is none. */
export function noShowRate(rows: readonly StatisticsRow[]): number | null {
  const missed = total(rows, "no_show");
  const due = total(rows, "completed") + total(rows, "aborted") + missed;
  return due === 0 ? null : missed / due;
}

/** One line per service, the most wanted first. */
export function servicesOf(rows: readonly StatisticsRow[], order: readonly string[]): ServiceFigures[] {
  const mondays = [...new Set(rows.map((row) => row.monday))].sort();
  const groups = new Map<string, StatisticsRow[]>();
  for (const row of rows) {
    if (row.service_id !== null) groups.set(row.service_id, [...(groups.get(row.service_id) ?? []), row]);
  }
  const lines = [...groups].map(([serviceId, own]): ServiceFigures => {
    const booked = new Map(own.map((row) => [row.monday, row.booked]));
    return {
      serviceId,
      booked: total(own, "booked"),
      completed: total(own, "completed"),
      cancelled: total(own, "cancelled"),
      noShow: total(own, "no_show"),
      noShowRate: noShowRate(own),
      leadHours: typical(own, (row) => row.lead_hours_median),
      waitSeconds: typical(own, (row) => row.wait_seconds_median),
      talkSeconds: typical(own, (row) => row.talk_seconds_median),
      course: mondays.map((monday) => booked.get(monday) ?? 0),
    };
  });
  return lines.sort((a, b) => b.booked - a.booked || order.indexOf(a.serviceId) - order.indexOf(b.serviceId));
}

export interface Totals {
  readonly booked: number;
  readonly utilisation: number | null;
  readonly noShowRate: number | null;
  readonly leadHours: number | null;
  readonly waitSeconds: number | null;
}

/** The period in five figures. */
export function totalsOf(rows: readonly StatisticsRow[]): Totals {
  const weeks = weeksOf(rows);
  const used = weeks.map((row) => row.utilisation).filter((one) => one !== null);
  return {
    booked: total(weeks, "booked"),
    utilisation: used.length === 0 ? null : used.reduce((sum, one) => sum + one, 0) / used.length,
    noShowRate: noShowRate(weeks),
    leadHours: typical(weeks, (row) => row.lead_hours_median),
    waitSeconds: typical(weeks, (row) => row.wait_seconds_median),
  };
}

/** The points of a sparkline in a box of `width` by `height`, first and last at its sides; a flat line lies at the bottom. */
export function sparkline(values: readonly number[], width: number, height: number): string {
  const most = Math.max(1, ...values);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values.map((value, at) => `${(at * step).toFixed(1)},${(height - (value / most) * height).toFixed(1)}`).join(" ");
}
