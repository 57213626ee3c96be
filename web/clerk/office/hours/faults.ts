/** Faults in words, at their fields: those we found, and those the server found. */
import type { FieldError } from "$shared/api/problem";
import { settings } from "$shared/i18n/clerk-settings";
import type { Fault, FaultCode, HoursDraft, LaneDraft, PeriodDraft } from "./draft";

export function faultWord(code: FaultCode): string {
  const words: Record<FaultCode, string> = {
    time_invalid: settings.faultTime,
    ends_before: settings.faultEnds,
    overlap: settings.faultOverlap,
    validity_order: settings.faultValidity,
    day_missing: settings.faultDay,
    day_twice: settings.faultDayTwice,
    closure_order: settings.faultClosure,
    text_missing: settings.faultText,
    name_missing: settings.faultName,
    name_twice: settings.faultNameTwice,
    account_twice: settings.faultAccount,
    skills_missing: settings.faultSkills,
    shifts_missing: settings.faultShifts,
  };
  return words[code];
}

/** Messages by the id of their field. */
export type Messages = ReadonlyMap<string, string>;

export function messagesOf(faults: readonly Fault[]): Messages {
  return new Map(faults.map(({ field, code }) => [field, faultWord(code)]));
}

const spanField = (periods: readonly PeriodDraft[], index: number, member: string | undefined): string | null => {
  const rows = periods.flatMap((period) => period.spans.map((span) => ({ period, span })));
  const row = rows[index];
  if (!row) return null;
  if (member === "valid_until" || member === "valid_from") return `${row.period.key}-until`;
  return `${row.span.key}-${member === "closes" ? "to" : "from"}`;
};

/** The form's field behind a path of the request ("closures.0.first"); null where it has none. */
export function hoursField(draft: HoursDraft, path: string): string | null {
  const [section, at, member] = path.replace(/^body\./, "").split(".");
  const index = Number(at);
  if (section === "opening_hours") return spanField(draft.periods, index, member);
  if (section === "special_days") return draft.specialDays[index] ? `${draft.specialDays[index].key}-day` : null;
  if (section === "closures") {
    const closure = draft.closures[index];
    return closure ? `${closure.key}-${member === "last" ? "last" : member === "reason" ? "de" : "first"}` : null;
  }
  return null;
}

/** As `hoursField`, for the team ("clerks.2.skills.0", "clerks.1.shifts.3.closes"). */
export function teamField(lanes: readonly LaneDraft[], path: string): string | null {
  const [section, at, member, inner, last] = path.replace(/^body\./, "").split(".");
  const lane = section === "clerks" ? lanes[Number(at)] : undefined;
  if (!lane) return null;
  if (member === "shifts") return spanField(lane.shifts, Number(inner), last);
  return `${lane.key}-${member === "skills" ? "skills" : member === "clerk_id" ? "account" : "name"}`;
}

/** The server's messages at their fields; those without a field stay with the notice. */
export function refused(errors: readonly FieldError[], field: (path: string) => string | null): Messages {
  const found = new Map<string, string>();
  for (const error of errors) {
    const id = field(error.field);
    if (id !== null) found.set(id, error.message);
  }
  return found;
}
