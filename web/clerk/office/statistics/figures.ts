/** Statistics as they are shown: a series of weeks, and one line per service over the whole period. */
import { mondayOf, shiftDay } from "../time";
import type { Figures, StatisticsRow } from "../types";

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
  readonly figures: Figures;
  /** Appointments of each week of the period, oldest first, for a small picture of the course. */
  readonly course: readonly number[];
}

/** One line per service, the most wanted first; `totals` are over the whole period. */
export function servicesOf(weeks: readonly StatisticsRow[], totals: readonly Figures[], order: readonly string[]): ServiceFigures[] {
  const mondays = [...new Set(weeks.map((row) => row.monday))].sort();
  const booked = new Map(weeks.map((row) => [`${row.service_id} ${row.monday}`, row.booked]));
  return totals
    .flatMap((figures) => (figures.service_id === null ? [] : [{ serviceId: figures.service_id, figures }]))
    .map(({ serviceId, figures }) => ({ serviceId, figures, course: mondays.map((monday) => booked.get(`${serviceId} ${monday}`) ?? 0) }))
    .sort((a, b) => b.figures.booked - a.figures.booked || order.indexOf(a.serviceId) - order.indexOf(b.serviceId));
}

/** All services together over the whole period; null when nothing is known of it. */
export function totalOf(totals: readonly Figures[]): Figures | null {
  return totals.find((figures) => figures.service_id === null) ?? null;
}

/** The points of a sparkline in a box of `width` by `height`, first and last at its sides; a flat line lies at the bottom. */
export function sparkline(values: readonly number[], width: number, height: number): string {
  const most = Math.max(1, ...values);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values.map((value, at) => `${(at * step).toFixed(1)},${(height - (value / most) * height).toFixed(1)}`).join(" ");
}
