/** What moving a clerk's appointments means: who keeps the time, who is moved where, who is left. */
import { daysBetween, instantOf, shiftDay, wallTime } from "../time";
import type { AppointmentBrief, Moves } from "../types";

export interface Period {
  /** Instants; the end is exclusive. */
  readonly from: string;
  readonly to: string;
}

export type Span = "rest_of_today" | "tomorrow" | "this_week" | "days";

/** The instants of a span of office days; null while the days make none. `now` begins the rest of today. */
export function periodOf(span: Span, now: number, zone: string, first = "", last = ""): Period | null {
  const today = wallTime(now, zone).day;
  const days = (from: string, to: string): Period => ({ from: instantOf(from, 0, zone), to: instantOf(shiftDay(to, 1), 0, zone) });
  const rest = (to: string): Period => ({ ...days(today, to), from: new Date(Math.floor(now / 60_000) * 60_000).toISOString().replace(".000Z", "Z") });
  if (span === "rest_of_today") return rest(today);
  if (span === "tomorrow") return days(shiftDay(today, 1), shiftDay(today, 1));
  if (span === "this_week") {
    const weekday = (new Date(`${today}T12:00:00Z`).getUTCDay() + 6) % 7;
    return rest(shiftDay(today, 6 - weekday));
  }
  if (!/^\d{4}-\d{2}-\d{2}$/.test(first) || (last !== "" && last < first)) return null;
  return first <= today ? (last || first) < today ? null : rest(last || first) : days(first, last || first);
}

export interface MovedRow {
  readonly appointmentId: string;
  readonly reference: string;
  readonly name: string | null;
  readonly from: string;
  readonly to: string;
  /** Whole minutes between the old and the new start; later is positive. */
  readonly shiftMinutes: number;
  /** Days of the calendar between the two; 0 is the same day. */
  readonly shiftDays: number;
}

export interface Summary {
  readonly kept: readonly AppointmentBrief[];
  readonly moved: readonly MovedRow[];
  readonly left: Moves["left"];
  readonly total: number;
  /** Each of them gets one message. */
  readonly notified: number;
}

const byStart = (a: { readonly starts_at: string }, b: { readonly starts_at: string }): number => Date.parse(a.starts_at) - Date.parse(b.starts_at);

/** The answer in the order of the clock, with the names that are known from the week. */
export function summarise(moves: Moves, names: ReadonlyMap<string, string | null>, zone: string): Summary {
  const moved = [...moves.moved]
    .sort((a, b) => Date.parse(a.from) - Date.parse(b.from))
    .map(
      (one): MovedRow => ({
        appointmentId: one.appointment_id,
        reference: one.reference,
        name: names.get(one.appointment_id) ?? null,
        from: one.from,
        to: one.to,
        shiftMinutes: Math.round((Date.parse(one.to) - Date.parse(one.from)) / 60_000),
        shiftDays: daysBetween(wallTime(one.from, zone).day, wallTime(one.to, zone).day),
      }),
    );
  const [kept, left] = [[...moves.kept_time].sort(byStart), [...moves.left].sort(byStart)];
  return { kept, moved, left, total: kept.length + moved.length + left.length, notified: moved.length };
}

/** Whether what was done is what the preview said; otherwise somebody booked in between. */
export function asPreviewed(preview: Moves, done: Moves): boolean {
  const said = (moves: Moves): string =>
    [
      ...moves.kept_time.map((one) => `kept ${one.appointment_id}`),
      ...moves.moved.map((one) => `moved ${one.appointment_id} ${Date.parse(one.to)}`),
      ...moves.left.map((one) => `left ${one.appointment_id}`),
    ]
      .sort()
      .join("\n");
  return said(preview) === said(done);
}
