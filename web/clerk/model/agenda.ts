/**
 * The agenda: casework's list of the day, merged with who is in the waiting room this second.
 *
 * casework learns of presence through events and may lag or, after a fault, be wrong for a moment; the lobby is the
 * truth while its socket lives. Without a socket the list falls back to casework's word.
 */
import type { CaseSummary } from "./types";

export interface LobbyEntry {
  appointment_id: string;
  since: string;
  admitted: boolean;
  present: boolean;
}

/** What is known of the waiting rooms: null while there is no live connection. */
export type Lobby = readonly LobbyEntry[] | null;

export type RowKind = "waiting" | "in_call" | "late" | "next" | "later" | "finished";

export interface AgendaRow {
  item: CaseSummary;
  kind: RowKind;
  /** When the citizen entered the waiting room, in milliseconds since the epoch; null when not waiting. */
  waitingSince: number | null;
  /** It is this clerk's: taken by them, or by nobody yet and booked at their place. */
  mine: boolean;
}

/** Which cases are the clerk's who is signed in. */
export type IsMine = (item: CaseSummary) => boolean;

/** Rows of one kind keep their own order: the longest wait first, else by the appointment's time. */
const ORDER: Record<RowKind, number> = { waiting: 0, in_call: 1, late: 2, next: 3, later: 4, finished: 5 };

/**
 * Put the day in the order in which a clerk needs it: who waits (longest first), who is in a call, who is late, who is
 * next, the rest, and what is over. Next is one person: the clerk's own nearest start ahead, else the nearest that nobody
 * has taken.
 */
export function mergeAgenda(cases: readonly CaseSummary[], lobby: Lobby, now: number, isMine: IsMine = () => false): AgendaRow[] {
  const present = new Map((lobby ?? []).filter((entry) => entry.present).map((entry) => [entry.appointment_id, entry]));
  const rows = cases.map((item): AgendaRow => ({ item, mine: isMine(item), ...stateOf(item, lobby === null ? null : present, now) })).sort(byNeed);
  const ahead = rows.filter((row) => row.kind === "later");
  const next = ahead.find((row) => row.mine) ?? ahead.find((row) => row.item.clerk === null) ?? ahead[0];
  if (next !== undefined) next.kind = "next";
  return rows.sort(byNeed);
}

/** The appointment that is next, and what it may be called: one's own, the first of all that are to come, or the first that nobody has. */
export function upNext(rows: readonly AgendaRow[]): { readonly row: AgendaRow; readonly as: "own" | "first" | "untaken" } | null {
  const row = rows.find(({ kind }) => kind === "next");
  if (row === undefined) return null;
  if (row.mine) return { row, as: "own" };
  const earlier = rows.some(({ kind, item }) => kind === "later" && Date.parse(item.starts_at) < Date.parse(row.item.starts_at));
  return { row, as: earlier ? "untaken" : "first" };
}

function stateOf(item: CaseSummary, present: Map<string, LobbyEntry> | null, now: number): Pick<AgendaRow, "kind" | "waitingSince"> {
  if (isOver(item)) return { kind: "finished", waitingSince: null };
  const entry = present?.get(item.appointment_id);
  const waits = present === null ? item.presence === "waiting" : entry !== undefined && !entry.admitted;
  const inCall = present === null ? item.presence === "in_call" : entry !== undefined && entry.admitted;
  if (waits) {
    const since = entry?.since ?? item.waiting_since;
    return { kind: "waiting", waitingSince: since === null ? now : Date.parse(since) };
  }
  if (inCall) return { kind: "in_call", waitingSince: null };
  return { kind: Date.parse(item.starts_at) < now ? "late" : "later", waitingSince: null };
}

function byNeed(a: AgendaRow, b: AgendaRow): number {
  const kinds = ORDER[a.kind] - ORDER[b.kind];
  if (kinds !== 0) return kinds;
  const waits = (a.waitingSince ?? 0) - (b.waitingSince ?? 0);
  return waits !== 0 ? waits : Date.parse(a.item.starts_at) - Date.parse(b.item.starts_at);
}

/** Nothing more happens in this case. */
export function isOver(item: Pick<CaseSummary, "state">): boolean {
  return item.state === "completed" || item.state === "aborted" || item.state === "cancelled";
}

/** Waiting citizens whose case is in none of the lists: their day has to be loaded (somebody joined around midnight). */
export function unknownWaiting(cases: readonly CaseSummary[], lobby: Lobby): LobbyEntry[] {
  const known = new Set(cases.map((item) => item.appointment_id));
  return (lobby ?? []).filter((entry) => entry.present && !entry.admitted && !known.has(entry.appointment_id));
}

/** Who came into the waiting room between two looks: the reason to chime. */
export function arrivals(before: readonly AgendaRow[], after: readonly AgendaRow[]): AgendaRow[] {
  const waited = new Set(before.filter((row) => row.kind === "waiting").map((row) => row.item.case_id));
  return after.filter((row) => row.kind === "waiting" && !waited.has(row.item.case_id));
}

/** "3:07" for minutes and seconds, "1:02:30" from an hour on. Never negative: clocks of two machines differ. */
export function waitingTime(since: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  const two = (part: number): string => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The calendar day, in the office's time zone, on which an instant falls: "2026-11-22". */
export function dayOf(instant: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(instant);
}

/** A calendar day so many days away. Days are counted on the calendar, so the two days a year of 23 and 25 hours do no harm. */
export function shiftDay(day: string, by: number): string {
  const date = new Date(`${day}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() + by);
  return date.toISOString().slice(0, 10);
}
