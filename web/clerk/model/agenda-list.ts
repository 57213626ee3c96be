/** A day as a clerk reads it: by the clock, what is over folded away, and only what was asked for. */
import type { AgendaRow, RowKind } from "./agenda";
import { folded } from "./fold";

export const FILTERS = ["all", "mine", "free", "waiting"] as const;
export type Filter = (typeof FILTERS)[number];

export interface DayList {
  /** Nothing more happens in these. */
  readonly past: readonly AgendaRow[];
  /** Their time has come: above the line that says now. */
  readonly before: readonly AgendaRow[];
  readonly after: readonly AgendaRow[];
}

const ofTime = (a: AgendaRow, b: AgendaRow): number =>
  Date.parse(a.item.starts_at) - Date.parse(b.item.starts_at) || a.item.reference.localeCompare(b.item.reference);

const WANTED: Record<Filter, (row: AgendaRow) => boolean> = {
  all: () => true,
  mine: (row) => row.mine,
  free: (row) => row.item.clerk === null && row.kind !== "finished",
  waiting: (row) => row.kind === "waiting",
};

/** Whether every typed word occurs in name, number or services; a number may be typed without its dashes. */
function holds({ item }: AgendaRow, words: readonly string[]): boolean {
  const services = item.services.flatMap(({ name }) => [name.de, name.en]);
  const text = folded([item.citizen_name ?? "", item.reference, item.reference.replaceAll("-", ""), ...services].join(" "));
  return words.every((word) => text.includes(word));
}

/** The rows that a filter and typed words leave. */
export function chosenRows(rows: readonly AgendaRow[], filter: Filter, typed: string): AgendaRow[] {
  const words = folded(typed).split(/\s+/).filter(Boolean);
  return rows.filter((row) => WANTED[filter](row) && holds(row, words));
}

/** Put rows in the order of the clock, around `now`. */
export function listOf(rows: readonly AgendaRow[], now: number): DayList {
  const sorted = [...rows].sort(ofTime);
  const open = sorted.filter((row) => row.kind !== "finished");
  return {
    past: sorted.filter((row) => row.kind === "finished"),
    before: open.filter((row) => Date.parse(row.item.starts_at) <= now),
    after: open.filter((row) => Date.parse(row.item.starts_at) > now),
  };
}

/** How many rows each filter would leave. */
export function filterCounts(rows: readonly AgendaRow[]): Record<Filter, number> {
  const count = (filter: Filter): number => rows.filter(WANTED[filter]).length;
  return { all: rows.length, mine: count("mine"), free: count("free"), waiting: count("waiting") };
}

/** How many people are in which state, in the order in which they need somebody; "next" is one of those to come. */
export function stateCounts(rows: readonly AgendaRow[]): readonly (readonly [Exclude<RowKind, "next">, number])[] {
  const kinds = ["waiting", "in_call", "late", "later", "finished"] as const;
  const of = (kind: RowKind): number => rows.filter((row) => row.kind === kind).length;
  return kinds.map((kind) => [kind, of(kind) + (kind === "later" ? of("next") : 0)] as const).filter(([, count]) => count > 0);
}
