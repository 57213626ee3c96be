/** What a timetable means for a day, whether two differ, and how two people's changes come together. */
import type { LocalisedText } from "$shared/i18n/language.svelte";
import { clock, parseClock, shiftDay, weekdayOf } from "../time";
import type { Timetable, Validity } from "../types";

/** Entries in one order and without what means nothing, so that equal timetables are equal texts. */
function plain(entry: unknown): string {
  return JSON.stringify(entry, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
    return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const SECTIONS = ["opening_hours", "special_days", "closures", "observes_holidays", "clerks"] as const;
export type Section = (typeof SECTIONS)[number];

const sorted = (value: unknown): string => (Array.isArray(value) ? plain(value.map(plain).sort()) : plain(value));

/** Whether two timetables say the same, whatever the order of their entries. */
export function same(one: Timetable, other: Timetable): boolean {
  return SECTIONS.every((section) => sorted(one[section]) === sorted(other[section]));
}

/** What is the same thing in two versions: a special day by its day, a clerk by the lane, anything else by what it says. */
const identities: Record<Exclude<Section, "observes_holidays">, (entry: never) => string> = {
  opening_hours: plain,
  special_days: (entry: { day: string }) => entry.day,
  closures: plain,
  clerks: ({ lane = null, name }: { lane?: number | null; name: string }) => (lane === null ? `new ${name}` : String(lane)),
};

function mergeEntries<T>(base: readonly T[], mine: readonly T[], theirs: readonly T[], identity: (entry: T) => string): { entries: T[]; clash: boolean } {
  const [was, ours] = [base, mine].map((entries) => new Map(entries.map((entry) => [identity(entry), entry]))) as [Map<string, T>, Map<string, T>];
  const seen = new Set<string>();
  let clash = false;
  const entries = theirs.flatMap((their) => {
    const id = identity(their);
    seen.add(id);
    const [before, own] = [was.get(id), ours.get(id)];
    const theyChanged = before === undefined || plain(before) !== plain(their);
    if (own === undefined) {
      // Not among ours: they added it, or we removed it.
      if (before === undefined) return [their];
      clash ||= theyChanged;
      return [];
    }
    const weChanged = before === undefined || plain(before) !== plain(own);
    clash ||= weChanged && theyChanged && plain(own) !== plain(their);
    return [weChanged ? own : their];
  });
  for (const [id, own] of ours) {
    if (seen.has(id)) continue;
    const before = was.get(id);
    if (before !== undefined && plain(before) === plain(own)) continue; // they removed it, we left it alone
    clash ||= before !== undefined;
    entries.push(own);
  }
  return { entries, clash };
}

export interface Merged {
  /** Their version with our changes in it, under their version's number. */
  readonly timetable: Timetable;
  /** Where both changed the same thing; ours is kept there and has to be looked at. */
  readonly clashes: readonly Section[];
}

/** Bring our changes since `base` into what a colleague has saved meanwhile. */
export function merge(base: Timetable, mine: Timetable, theirs: Timetable): Merged {
  const clashes: Section[] = [];
  const list = <S extends Exclude<Section, "observes_holidays">>(section: S): Timetable[S] => {
    const identity = identities[section] as (entry: unknown) => string;
    const { entries, clash } = mergeEntries<unknown>(base[section], mine[section], theirs[section], identity);
    if (clash) clashes.push(section);
    return entries as unknown as Timetable[S];
  };
  const timetable: Timetable = {
    version: theirs.version,
    opening_hours: list("opening_hours"),
    special_days: list("special_days"),
    closures: list("closures"),
    observes_holidays: mine.observes_holidays === base.observes_holidays ? theirs.observes_holidays : mine.observes_holidays,
    clerks: list("clerks"),
  };
  // Somebody whom they removed and we changed comes back as a new person: a lane is never given a second time.
  const known = new Set(theirs.clerks.map((one) => one.lane));
  const clerks = timetable.clerks.map((one) => (known.has(one.lane) ? one : { ...one, lane: null }));
  return { timetable: { ...timetable, clerks }, clashes };
}

export interface DayPlan {
  readonly day: string;
  /** In the order of the clock, e.g. "08:00" to "12:00". */
  readonly hours: readonly { readonly from: string; readonly to: string }[];
  readonly why: "open" | "special" | "closure" | "holiday" | "weekly";
  readonly note: LocalisedText | null;
}

const holds = (one: Partial<Validity>, day: string): boolean => (one.valid_from ?? "") <= day && day <= (one.valid_until ?? "9999");

/** What a timetable says about a day. `holidays`: public holidays there. A special day is above everything else. */
export function planOf(timetable: Timetable, day: string, holidays: ReadonlyMap<string, LocalisedText | null>): DayPlan {
  const special = timetable.special_days.find((one) => one.day === day);
  if (special) return { day, hours: inOrder(special.hours), why: "special", note: special.note ?? null };
  if (timetable.observes_holidays && holidays.has(day)) return { day, hours: [], why: "holiday", note: holidays.get(day) ?? null };
  const closure = timetable.closures.find((one) => one.first <= day && day <= one.last);
  if (closure) return { day, hours: [], why: "closure", note: closure.reason ?? null };
  const hours = inOrder(timetable.opening_hours.filter((one) => one.weekday === weekdayOf(day) && holds(one, day)));
  return { day, hours, why: hours.length > 0 ? "open" : "weekly", note: null };
}

function inOrder(hours: readonly { readonly opens: string; readonly closes: string }[]): DayPlan["hours"] {
  return hours
    .map((one) => ({ from: parseClock(one.opens), to: parseClock(one.closes) }))
    .filter((one): one is { from: number; to: number } => one.from !== null && one.to !== null && one.from < one.to)
    .sort((a, b) => a.from - b.from)
    .map((one) => ({ from: clock(one.from), to: clock(one.to) }));
}

/** The plans of so many weeks from a Monday on. */
export function plansOf(timetable: Timetable, monday: string, weeks: number, holidays: ReadonlyMap<string, LocalisedText | null>): DayPlan[] {
  return Array.from({ length: weeks * 7 }, (_, at) => planOf(timetable, shiftDay(monday, at), holidays));
}

/** Minutes that a day is open. */
export function openMinutes(plan: DayPlan): number {
  return plan.hours.reduce((sum, one) => sum + (parseClock(one.to) ?? 0) - (parseClock(one.from) ?? 0), 0);
}
