/** An absence as it is typed: whole days, or from a time to a time. */
import { instantOf, isDay, parseClock, shiftDay } from "../time";
import type { BlockedTime, BlockReason } from "../types";

export interface AbsenceDraft {
  readonly lane: number | null;
  readonly wholeDays: boolean;
  readonly first: string;
  /** Empty: the first day alone. */
  readonly last: string;
  readonly from: string;
  readonly to: string;
  readonly reason: BlockReason;
  readonly note: string;
}

export type AbsenceField = "lane" | "first" | "last" | "from" | "to";

/** The fields that are wrong, in the order of the form. */
export function wrongFields(draft: AbsenceDraft): AbsenceField[] {
  const wrong: AbsenceField[] = [];
  if (draft.lane === null) wrong.push("lane");
  if (!isDay(draft.first)) wrong.push("first");
  if (draft.last !== "" && (!isDay(draft.last) || draft.last < draft.first)) wrong.push("last");
  if (draft.wholeDays) return wrong;
  const [from, to] = [parseClock(draft.from), parseClock(draft.to)];
  if (from === null) wrong.push("from");
  const oneDay = draft.last === "" || draft.last === draft.first;
  if (to === null || (oneDay && from !== null && to <= from)) wrong.push("to");
  return wrong;
}

/** The stretch that is blocked: whole local days reach to the next midnight. */
export function stretchOf(draft: AbsenceDraft, zone: string): { starts_at: string; ends_at: string } {
  const last = draft.last || draft.first;
  if (draft.wholeDays) return { starts_at: instantOf(draft.first, 0, zone), ends_at: instantOf(shiftDay(last, 1), 0, zone) };
  return { starts_at: instantOf(draft.first, parseClock(draft.from) ?? 0, zone), ends_at: instantOf(last, parseClock(draft.to) ?? 0, zone) };
}

/** Blocked times that are not over, the next ones first. */
export function toCome(blocked: readonly BlockedTime[], now: number): BlockedTime[] {
  return blocked.filter((one) => Date.parse(one.ends_at) > now).sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
}
