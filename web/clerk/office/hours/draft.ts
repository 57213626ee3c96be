/**
 * A timetable while somebody edits it: every entry has a key that stays, times are what was typed, and checking says
 * which field is wrong. `toTimetable` gives what is sent; nothing is sent that `check*` complains about.
 */
import type { LocalisedText } from "$shared/i18n/language.svelte";
import { clock, isDay, parseClock } from "../time";
import type { Closure, Lane, OpeningHours, SpecialDay, Timetable, Validity, Weekday } from "../types";

/** A span of a weekday, as typed. */
export interface SpanDraft {
  readonly key: string;
  readonly weekday: Weekday;
  from: string;
  to: string;
}

/** The weekdays of a period; empty days are "without limit". */
export interface PeriodDraft {
  readonly key: string;
  validFrom: string;
  validUntil: string;
  spans: SpanDraft[];
}

export interface SpecialDraft {
  readonly key: string;
  day: string;
  /** Empty: closed on this day. */
  hours: { readonly key: string; from: string; to: string }[];
  noteDe: string;
  noteEn: string;
}

export interface ClosureDraft {
  readonly key: string;
  first: string;
  last: string;
  reasonDe: string;
  reasonEn: string;
}

export interface HoursDraft {
  periods: PeriodDraft[];
  specialDays: SpecialDraft[];
  closures: ClosureDraft[];
  observesHolidays: boolean;
}

export interface LaneDraft {
  readonly key: string;
  /** Given by the server; null until then. */
  lane: number | null;
  name: string;
  clerkId: string;
  /** Null: all services. */
  skills: string[] | null;
  /** Empty: whenever the office is open. */
  shifts: PeriodDraft[];
}

export type FaultCode =
  | "time_invalid"
  | "ends_before"
  | "overlap"
  | "validity_order"
  | "day_missing"
  | "day_twice"
  | "closure_order"
  | "text_missing"
  | "name_missing"
  | "name_twice"
  | "account_twice"
  | "skills_missing"
  | "shifts_missing";

/** `field` is the id of the form's field. */
export interface Fault {
  readonly field: string;
  readonly code: FaultCode;
}

let made = 0;
export function newKey(): string {
  made += 1;
  return `k${made}`;
}

/** "24:00" stays, "08:00:00" loses its seconds. */
const time = (text: string): string => text.slice(0, 5);

export function newPeriod(): PeriodDraft {
  return { key: newKey(), validFrom: "", validUntil: "", spans: [] };
}

/** Hours of the same period stand together; the unlimited one comes first. */
export function periodsOf(hours: readonly OpeningHours[]): PeriodDraft[] {
  const periods = new Map<string, PeriodDraft>();
  for (const one of hours) {
    const [validFrom, validUntil] = [one.valid_from ?? "", one.valid_until ?? ""];
    const period = periods.get(`${validFrom} ${validUntil}`) ?? { ...newPeriod(), validFrom, validUntil };
    period.spans.push({ key: newKey(), weekday: one.weekday, from: time(one.opens), to: time(one.closes) });
    periods.set(`${validFrom} ${validUntil}`, period);
  }
  return [...periods].sort(([a], [b]) => (a.trim() === "" ? -1 : b.trim() === "" ? 1 : a < b ? -1 : 1)).map(([, period]) => period);
}

const orOne = (periods: PeriodDraft[]): PeriodDraft[] => (periods.length > 0 ? periods : [newPeriod()]);

export function hoursDraft(timetable: Timetable): HoursDraft {
  return {
    periods: orOne(periodsOf(timetable.opening_hours)),
    specialDays: timetable.special_days.map((one) => ({
      key: newKey(),
      day: one.day,
      hours: one.hours.map((hours) => ({ key: newKey(), from: time(hours.opens), to: time(hours.closes) })),
      noteDe: one.note?.de ?? "",
      noteEn: one.note?.en ?? "",
    })),
    closures: timetable.closures.map((one) => ({
      key: newKey(),
      first: one.first,
      last: one.last,
      reasonDe: one.reason?.de ?? "",
      reasonEn: one.reason?.en ?? "",
    })),
    observesHolidays: timetable.observes_holidays,
  };
}

export function laneDrafts(timetable: Timetable): LaneDraft[] {
  return timetable.clerks.map((one) => ({
    key: newKey(),
    lane: one.lane ?? null,
    name: one.name,
    clerkId: one.clerk_id ?? "",
    skills: one.skills ? [...one.skills] : null,
    shifts: periodsOf(one.shifts),
  }));
}

// ---- back to the wire

const wireTime = (typed: string): string => {
  const minute = parseClock(typed);
  return minute === null ? typed : clock(minute);
};
const wireValidity = (period: PeriodDraft): Validity => ({ valid_from: period.validFrom || null, valid_until: period.validUntil || null });
/** A text in one language alone stands for both. */
const wireText = (de: string, en: string): LocalisedText | null =>
  de.trim() || en.trim() ? { de: de.trim() || en.trim(), en: en.trim() || de.trim() } : null;

export function openingHours(periods: readonly PeriodDraft[]): OpeningHours[] {
  return periods.flatMap((period) =>
    period.spans.map((span) => ({ weekday: span.weekday, opens: wireTime(span.from), closes: wireTime(span.to), ...wireValidity(period) })),
  );
}

function specialDays(drafts: readonly SpecialDraft[]): SpecialDay[] {
  return drafts.map((draft) => ({
    day: draft.day,
    hours: draft.hours.map((one) => ({ opens: wireTime(one.from), closes: wireTime(one.to) })),
    note: wireText(draft.noteDe, draft.noteEn),
  }));
}

function closures(drafts: readonly ClosureDraft[]): Closure[] {
  return drafts.map((draft) => ({ first: draft.first, last: draft.last || draft.first, reason: wireText(draft.reasonDe, draft.reasonEn) }));
}

/** `base` with the hours of the draft. */
export function withHours(base: Timetable, draft: HoursDraft): Timetable {
  return {
    ...base,
    opening_hours: openingHours(draft.periods),
    special_days: specialDays(draft.specialDays),
    closures: closures(draft.closures),
    observes_holidays: draft.observesHolidays,
  };
}

/** `base` with the team of the drafts. */
export function withTeam(base: Timetable, drafts: readonly LaneDraft[]): Timetable {
  const clerks = drafts.map(
    (draft): Lane => ({
      lane: draft.lane,
      name: draft.name.trim(),
      clerk_id: draft.clerkId || null,
      skills: draft.skills,
      shifts: openingHours(draft.shifts),
    }),
  );
  return { ...base, clerks };
}

/** Gives those of `drafts` that were new in `sent` the lanes that they got, whatever was typed about them since. */
export function adoptLanes(drafts: readonly LaneDraft[], sent: Timetable, stored: Timetable): void {
  const before = new Set(sent.clerks.map((one) => one.lane));
  const made = stored.clerks.filter((one) => !before.has(one.lane));
  const fresh = drafts.filter((draft) => draft.lane === null);
  sent.clerks
    .filter((one) => one.lane === null)
    .forEach((one, at) => {
      const draft = fresh[at];
      if (draft) draft.lane = made.find((each) => each.name === one.name)?.lane ?? null;
    });
}

// ---- checking

const overlap = (a: Validity, b: Validity): boolean =>
  (a.valid_from ?? "") <= (b.valid_until ?? "9999") && (b.valid_from ?? "") <= (a.valid_until ?? "9999");

interface TypedSpan {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

function checkTimes(span: TypedSpan): Fault[] {
  const [from, to] = [parseClock(span.from), parseClock(span.to)];
  if (from === null) return [{ field: `${span.key}-from`, code: "time_invalid" }];
  if (to === null) return [{ field: `${span.key}-to`, code: "time_invalid" }];
  return to <= from ? [{ field: `${span.key}-to`, code: "ends_before" }] : [];
}

function crosses(a: TypedSpan, b: TypedSpan): boolean {
  return (parseClock(a.from) ?? 0) < (parseClock(b.to) ?? 0) && (parseClock(b.from) ?? 0) < (parseClock(a.to) ?? 0);
}

export function checkPeriods(periods: readonly PeriodDraft[]): Fault[] {
  const faults: Fault[] = [];
  const before: { readonly period: PeriodDraft; readonly span: SpanDraft }[] = [];
  for (const period of periods) {
    const ends = period.validFrom && period.validUntil && period.validUntil < period.validFrom;
    if (ends) faults.push({ field: `${period.key}-until`, code: "validity_order" });
    for (const span of period.spans) {
      const own = checkTimes(span);
      faults.push(...own);
      const crossing = before.some(
        (other) => other.span.weekday === span.weekday && overlap(wireValidity(other.period), wireValidity(period)) && crosses(other.span, span),
      );
      if (own.length === 0 && crossing) faults.push({ field: `${span.key}-from`, code: "overlap" });
      before.push({ period, span });
    }
  }
  return faults;
}

export function checkHours(draft: HoursDraft): Fault[] {
  const faults = checkPeriods(draft.periods);
  const days = new Set<string>();
  for (const special of draft.specialDays) {
    if (!isDay(special.day)) faults.push({ field: `${special.key}-day`, code: "day_missing" });
    else if (days.has(special.day)) faults.push({ field: `${special.key}-day`, code: "day_twice" });
    days.add(special.day);
    special.hours.forEach((span, at) => {
      const own = checkTimes(span);
      faults.push(...own);
      if (own.length === 0 && special.hours.slice(0, at).some((other) => crosses(other, span))) faults.push({ field: `${span.key}-from`, code: "overlap" });
    });
  }
  for (const closure of draft.closures) {
    if (!isDay(closure.first)) faults.push({ field: `${closure.key}-first`, code: "day_missing" });
    else if (closure.last && closure.last < closure.first) faults.push({ field: `${closure.key}-last`, code: "closure_order" });
    if (!closure.reasonDe.trim()) faults.push({ field: `${closure.key}-de`, code: "text_missing" });
  }
  return faults;
}

export function checkTeam(drafts: readonly LaneDraft[]): Fault[] {
  const faults: Fault[] = [];
  const [names, accounts] = [new Set<string>(), new Set<string>()];
  for (const draft of drafts) {
    const name = draft.name.trim().toLocaleLowerCase();
    if (!name) faults.push({ field: `${draft.key}-name`, code: "name_missing" });
    else if (names.has(name)) faults.push({ field: `${draft.key}-name`, code: "name_twice" });
    names.add(name);
    if (draft.clerkId && accounts.has(draft.clerkId)) faults.push({ field: `${draft.key}-account`, code: "account_twice" });
    accounts.add(draft.clerkId);
    if (draft.skills?.length === 0) faults.push({ field: `${draft.key}-skills`, code: "skills_missing" });
    if (draft.shifts.length > 0 && draft.shifts.every((period) => period.spans.length === 0)) faults.push({ field: `${draft.key}-duty`, code: "shifts_missing" });
    faults.push(...checkPeriods(draft.shifts));
  }
  return faults;
}
