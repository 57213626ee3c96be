/** The week as it is drawn: what the server says about instants, put onto the office's wall clock. */
import { clock, wallTime } from "../time";
import type { AppointmentBrief, BlockedTime, Conflict, Stretch, Week, WeekDay, WeekLane } from "../types";

/** Minutes after local midnight; the end is exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Block extends Span {
  readonly brief: AppointmentBrief;
  /** Among appointments of one lane at one time (a no-show's slot that was given away): which, and of how many. */
  readonly column: number;
  readonly columns: number;
  /** Nobody is there for it. */
  readonly conflict: boolean;
}

export interface LaneColumn {
  readonly lane: number;
  /** The clerk's name; of a clerk who has left the team only the number. */
  readonly name: string;
  readonly duty: readonly Span[];
  readonly blocks: readonly Block[];
  readonly blocked: readonly (Span & { readonly block: BlockedTime })[];
  /** Kept for somebody until the office's clock shows `until`, unless they confirm their address. */
  readonly provisional: readonly (Span & { readonly until: string })[];
}

export interface DayColumn {
  readonly day: string;
  readonly closed: WeekDay["closed"];
  readonly note: WeekDay["note"];
  readonly hours: readonly Span[];
  readonly lanes: readonly LaneColumn[];
  /** From 0 to 1, or null on a day that offers nothing. */
  readonly utilisation: number | null;
  readonly count: number;
  readonly offeredMinutes: number;
  readonly bookedMinutes: number;
}

export interface WeekLayout extends Span {
  readonly zone: string;
  readonly monday: string;
  readonly days: readonly DayColumn[];
  readonly conflicts: readonly Conflict[];
}

const DAY_END = 1440;
/** What an empty week shows. */
const OFFICE_HOURS: Span = { from: 8 * 60, to: 17 * 60 };

/** The part of a stretch that lies on a local day. */
export function spanOn(day: string, stretch: Stretch, zone: string): Span | null {
  const [from, to] = [wallTime(stretch.starts_at, zone), wallTime(stretch.ends_at, zone)];
  if (to.day < day || from.day > day) return null;
  const span = { from: from.day < day ? 0 : from.minute, to: to.day > day ? DAY_END : to.minute };
  return span.to > span.from ? span : null;
}

/** An appointment still stands in the calendar; a cancelled one does not. */
const stands = (brief: AppointmentBrief): boolean => brief.state !== "cancelled";

/** Lay appointments that overlap beside each other; `blocks` come in any order. */
export function sideBySide(blocks: readonly Omit<Block, "column" | "columns">[]): Block[] {
  const sorted = [...blocks].sort((a, b) => a.from - b.from || a.to - b.to);
  const placed: Block[] = [];
  let group: Omit<Block, "columns">[] = [];
  let until = -1;
  const close = (): void => {
    const columns = Math.max(0, ...group.map((block) => block.column)) + 1;
    placed.push(...group.map((block) => ({ ...block, columns })));
    group = [];
  };
  for (const block of sorted) {
    if (block.from >= until) close();
    const taken = new Set(group.filter((other) => other.to > block.from).map((other) => other.column));
    let column = 0;
    while (taken.has(column)) column += 1;
    group.push({ ...block, column });
    until = Math.max(group.length === 1 ? -1 : until, block.to);
  }
  close();
  return placed;
}

function laneColumn(day: string, lane: WeekLane, zone: string, conflicts: ReadonlySet<string>): LaneColumn {
  const spans = (stretches: readonly Stretch[]): Span[] => stretches.map((one) => spanOn(day, one, zone)).filter((span) => span !== null);
  const blocks = lane.appointments.filter(stands).flatMap((brief) => {
    const span = spanOn(day, brief, zone);
    return span === null ? [] : [{ ...span, brief, conflict: conflicts.has(brief.appointment_id) }];
  });
  const blocked = lane.blocked.flatMap((block) => {
    const span = spanOn(day, block, zone);
    return span === null ? [] : [{ ...span, block }];
  });
  const provisional = lane.provisional.flatMap((one) => {
    const span = spanOn(day, one, zone);
    return span === null ? [] : [{ ...span, until: clock(wallTime(one.confirm_by, zone).minute) }];
  });
  return { lane: lane.lane, name: lane.name || String(lane.lane + 1), duty: spans(lane.on_duty), blocks: sideBySide(blocks), blocked, provisional };
}

/** The hours that all days together need, in whole hours. */
function shownSpan(days: readonly DayColumn[]): Span {
  const spans = days.flatMap((day) => [...day.hours, ...day.lanes.flatMap((lane) => [...lane.duty, ...lane.blocks, ...lane.provisional])]);
  if (spans.length === 0) return OFFICE_HOURS;
  const from = Math.floor(Math.min(...spans.map((span) => span.from)) / 60) * 60;
  return { from, to: Math.min(DAY_END, Math.max(from + 240, Math.ceil(Math.max(...spans.map((span) => span.to)) / 60) * 60)) };
}

/** Put a week onto the office's wall clock. */
export function layoutWeek(week: Week): WeekLayout {
  const zone = week.time_zone;
  const conflicts = new Set(week.conflicts.map((brief) => brief.appointment_id));
  const days = week.days.map((day): DayColumn => {
    const lanes = day.lanes.map((lane) => laneColumn(day.day, lane, zone, conflicts));
    return {
      day: day.day,
      closed: day.closed,
      note: day.note,
      hours: day.hours.map((one) => spanOn(day.day, one, zone)).filter((span) => span !== null),
      lanes,
      utilisation: day.offered_minutes > 0 ? day.booked_minutes / day.offered_minutes : null,
      count: lanes.reduce((sum, lane) => sum + lane.blocks.length, 0),
      offeredMinutes: day.offered_minutes,
      bookedMinutes: day.booked_minutes,
    };
  });
  const ofTime = (a: AppointmentBrief, b: AppointmentBrief): number => Date.parse(a.starts_at) - Date.parse(b.starts_at);
  return { zone, monday: week.monday, days, conflicts: [...week.conflicts].sort(ofTime), ...shownSpan(days) };
}

/** A day's appointments in the order of the clock, for the list. */
export function listOf(day: DayColumn): readonly { readonly block: Block; readonly lane: LaneColumn }[] {
  return day.lanes
    .flatMap((lane) => lane.blocks.map((block) => ({ block, lane })))
    .sort((a, b) => a.block.from - b.block.from || a.lane.lane - b.lane.lane);
}

/** What is kept on a day until somebody confirms their address, in the order of the clock, for the list. */
export function provisionalOf(day: DayColumn): readonly { readonly span: LaneColumn["provisional"][number]; readonly lane: LaneColumn }[] {
  return day.lanes
    .flatMap((lane) => lane.provisional.map((span) => ({ span, lane })))
    .sort((a, b) => a.span.from - b.span.from || a.lane.lane - b.lane.lane);
}

/** Whether a day has nothing to show and may be drawn as a slim column. */
export const isEmpty = (day: DayColumn): boolean => day.hours.length === 0 && day.count === 0;

/** Whether a lane has something with words on it. */
export const isUsed = (lane: LaneColumn): boolean => lane.blocks.length > 0 || lane.provisional.length > 0;

/** A line of text, and what a finger or a shaking hand can hit (WCAG 2.5.8), with a hair of space. */
const READABLE_PX = 25;
/** Five minutes are the finest grid that offices have; what begins closer may overlap rather than stretch the day. */
const MOST_PX = READABLE_PX / 5;

/**
 * How many pixels a minute needs so that every appointment can be drawn as a readable line without covering the next one of
 * its lane: what counts is from start to start. Never less than `least`.
 */
export function pace(days: readonly DayColumn[], least: number): number {
  let shortest = Infinity;
  for (const { blocks } of days.flatMap((day) => day.lanes)) {
    for (const [at, block] of blocks.entries()) {
      const next = blocks.slice(at + 1).find((other) => other.from >= block.to);
      if (next !== undefined) shortest = Math.min(shortest, next.from - block.from);
    }
  }
  return Math.min(MOST_PX, Math.max(least, READABLE_PX / shortest));
}

/** The minute that these days open at: a little before now, else where work begins; of an office that never closes, the first appointment. */
export function opensAt(layout: Span, days: readonly DayColumn[], today: string, minute: number): number {
  if (days.some((day) => day.day === today)) return Math.max(layout.from, minute - 45);
  const first = (spans: readonly Span[]): number => Math.min(Infinity, ...spans.map((span) => span.from));
  const opening = first(days.flatMap((day) => day.hours));
  const begins = opening > 0 ? opening : first(days.flatMap((day) => day.lanes.flatMap((lane) => lane.blocks)));
  return Math.max(layout.from, Number.isFinite(begins) ? begins - 15 : OFFICE_HOURS.from - 15);
}

export type ArrowKey = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight" | "Home" | "End";

/**
 * Where an arrow key leads from an appointment: up and down along its lane, left and right to the nearest one in time
 * of the next lane that has any, over the days' borders; Home and End to the first and last of the lane.
 */
export function neighbour(layout: WeekLayout, id: string, key: ArrowKey): string | null {
  const columns = layout.days.flatMap((day) => day.lanes.map((lane) => lane.blocks)).filter((blocks) => blocks.length > 0);
  const at = columns.findIndex((blocks) => blocks.some((block) => block.brief.appointment_id === id));
  const lane = columns[at];
  if (!lane) return columns[0]?.[0]?.brief.appointment_id ?? null;
  const row = lane.findIndex((block) => block.brief.appointment_id === id);
  const from = lane[row]?.from ?? 0;
  if (key === "ArrowUp") return lane[row - 1]?.brief.appointment_id ?? null;
  if (key === "ArrowDown") return lane[row + 1]?.brief.appointment_id ?? null;
  if (key === "Home") return lane[0]?.brief.appointment_id ?? null;
  if (key === "End") return lane.at(-1)?.brief.appointment_id ?? null;
  const beside = columns[at + (key === "ArrowLeft" ? -1 : 1)] ?? [];
  const nearest = [...beside].sort((a, b) => Math.abs(a.from - from) - Math.abs(b.from - from))[0];
  return nearest?.brief.appointment_id ?? null;
}
