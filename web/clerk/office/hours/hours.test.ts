import { describe, expect, it } from "vitest";

import type { Timetable } from "../types";
import { checkHours, checkTeam, hoursDraft, laneDrafts, newKey, newPeriod, withHours, withTeam, type PeriodDraft, type SpanDraft } from "./draft";
import { hoursField, refused, teamField } from "./faults";
import { merge, openMinutes, planOf, plansOf, same } from "./timetable";

const always = { valid_from: null, valid_until: null };
const base: Timetable = {
  version: 3,
  opening_hours: [
    { weekday: "mon", opens: "08:00", closes: "12:00", ...always },
    { weekday: "mon", opens: "14:00", closes: "18:00", ...always },
    { weekday: "tue", opens: "08:00", closes: "12:00", valid_from: null, valid_until: "2026-11-30" },
  ],
  special_days: [{ day: "2026-12-05", hours: [{ opens: "10:00", closes: "13:00" }], note: { de: "Langer Samstag", en: "Open Saturday" } }],
  closures: [{ first: "2026-12-24", last: "2026-12-26", reason: { de: "Weihnachten", en: "Christmas" } }],
  observes_holidays: true,
  clerks: [
    { lane: 0, name: "Anna", clerk_id: "11111111-1111-4111-8111-111111111111", skills: null, shifts: [] },
    { lane: 1, name: "Ben", clerk_id: null, skills: ["anmeldung"], shifts: [{ weekday: "mon", opens: "08:00", closes: "12:00", ...always }] },
  ],
};
const NONE = new Map<string, null>();
type Typed = Partial<SpanDraft> & Partial<Pick<PeriodDraft, "validFrom" | "validUntil">>;
const period = ({ validFrom = "", validUntil = "", ...span }: Typed = {}): PeriodDraft => ({
  ...newPeriod(),
  validFrom,
  validUntil,
  spans: [{ key: newKey(), weekday: "mon", from: "08:00", to: "12:00", ...span }],
});

describe("a timetable that is edited", () => {
  it("comes back as it was when nothing was changed", () => {
    expect(same(withHours(base, hoursDraft(base)), base)).toBe(true);
    expect(withTeam(base, laneDrafts(base))).toEqual(base);
  });

  it("is sent with times as the clock writes them", () => {
    const draft = { ...hoursDraft(base), periods: [period({ from: "8", to: "12.30", validFrom: "2026-12-01" })] };
    expect(withHours(base, draft).opening_hours).toEqual([
      { weekday: "mon", opens: "08:00", closes: "12:30", valid_from: "2026-12-01", valid_until: null },
    ]);
  });

  it("keeps hours of one period together, the unlimited one first", () => {
    const periods = hoursDraft({ ...base, opening_hours: [...base.opening_hours].reverse() }).periods;
    expect(periods.map((one) => [one.validFrom, one.validUntil, one.spans.length])).toEqual([
      ["", "", 2],
      ["", "2026-11-30", 1],
    ]);
    expect(hoursDraft({ ...base, opening_hours: [] }).periods).toHaveLength(1);
  });

  it("gives a text of one language for both", () => {
    const draft = { ...hoursDraft(base), closures: [{ key: "x", first: "2026-12-31", last: "", reasonDe: "Silvester", reasonEn: "" }] };
    expect(withHours(base, draft).closures).toEqual([{ first: "2026-12-31", last: "2026-12-31", reason: { de: "Silvester", en: "Silvester" } }]);
  });
});

describe("checking names the field", () => {
  const faults = (...periods: PeriodDraft[]): string[] => checkHours({ ...hoursDraft(base), periods, closures: [], specialDays: [] }).map((one) => one.code);

  it("of a time that is none, or ends before it begins", () => {
    expect(faults(period({ from: "acht" }))).toEqual(["time_invalid"]);
    expect(faults(period({ from: "12:00", to: "08:00" }))).toEqual(["ends_before"]);
    expect(faults(period({ from: "00:00", to: "24:00" }))).toEqual([]);
  });

  it("of hours that overlap on the same days, but not in different periods", () => {
    expect(faults(period(), period({ from: "11:00", to: "13:00" }))).toEqual(["overlap"]);
    expect(faults(period({ validUntil: "2026-11-30" }), period({ validFrom: "2026-12-01" }))).toEqual([]);
    expect(faults(period(), period({ weekday: "tue" }))).toEqual([]);
    expect(faults(period(), period({ from: "12:00", to: "14:00" }))).toEqual([]);
  });

  it("of a period that ends before it begins", () => {
    expect(faults(period({ validFrom: "2026-12-01", validUntil: "2026-11-01" }))).toEqual(["validity_order"]);
  });

  it("of special days and closures", () => {
    const draft = hoursDraft(base);
    draft.specialDays.push({ key: "s1", day: "2026-12-05", hours: [], noteDe: "", noteEn: "" }, { key: "s2", day: "", hours: [], noteDe: "", noteEn: "" });
    draft.closures.push({ key: "c1", first: "2026-12-31", last: "2026-12-30", reasonDe: "", reasonEn: "" });
    expect(checkHours(draft)).toEqual([
      { field: "s1-day", code: "day_twice" },
      { field: "s2-day", code: "day_missing" },
      { field: "c1-last", code: "closure_order" },
      { field: "c1-de", code: "text_missing" },
    ]);
  });

  it("of the team", () => {
    const [anna, ben] = laneDrafts(base);
    anna!.name = "ben ";
    ben!.clerkId = anna!.clerkId;
    ben!.skills = [];
    ben!.shifts = [newPeriod()];
    expect(checkTeam([anna!, ben!]).map((one) => one.code)).toEqual(["name_twice", "account_twice", "skills_missing", "shifts_missing"]);
  });
});

describe("what a timetable says about a day", () => {
  it("follows the weekday and the period", () => {
    expect(planOf(base, "2026-11-23", NONE)).toMatchObject({ why: "open", hours: [{ from: "08:00", to: "12:00" }, { from: "14:00", to: "18:00" }] });
    expect(planOf(base, "2026-11-24", NONE).why).toBe("open");
    expect(planOf(base, "2026-12-01", NONE).why).toBe("weekly");
  });

  it("is overridden by a special day, a holiday and a closure, in this order", () => {
    const holidays = new Map([["2026-12-05", null], ["2026-12-25", null], ["2026-11-23", { de: "Feiertag", en: "Holiday" }]]);
    expect(planOf(base, "2026-12-05", holidays)).toMatchObject({ why: "special", note: { de: "Langer Samstag" } });
    expect(planOf(base, "2026-12-25", holidays).why).toBe("holiday");
    expect(planOf(base, "2026-12-24", holidays)).toMatchObject({ why: "closure", hours: [], note: { en: "Christmas" } });
    const open = [{ day: "2026-12-24", hours: [{ opens: "09:00", closes: "11:00" }], note: null }];
    expect(planOf({ ...base, special_days: open }, "2026-12-24", holidays).why).toBe("special");
    expect(planOf(base, "2026-11-23", holidays)).toMatchObject({ why: "holiday", hours: [] });
    expect(planOf({ ...base, observes_holidays: false }, "2026-11-23", holidays).why).toBe("open");
  });

  it("adds up over weeks", () => {
    const plans = plansOf(base, "2026-11-23", 2, NONE);
    expect(plans).toHaveLength(14);
    expect(plans.reduce((sum, plan) => sum + openMinutes(plan), 0)).toBe(2 * 480 + 240 + 180);
  });
});

describe("what the server refuses", () => {
  it("stands at its field", () => {
    const draft = hoursDraft(base);
    const [always, november] = draft.periods;
    expect(hoursField(draft, "opening_hours.1.closes")).toBe(`${always!.spans[1]!.key}-to`);
    expect(hoursField(draft, "opening_hours.2")).toBe(`${november!.spans[0]!.key}-from`);
    expect(hoursField(draft, "closures.0.last")).toBe(`${draft.closures[0]!.key}-last`);
    expect(hoursField(draft, "version")).toBeNull();
    const lanes = laneDrafts(base);
    expect(teamField(lanes, "clerks.1.skills.0")).toBe(`${lanes[1]!.key}-skills`);
    expect(teamField(lanes, "clerks.1.shifts.0")).toBe(`${lanes[1]!.shifts[0]!.spans[0]!.key}-from`);
    expect(refused([{ field: "clerks.0.clerk_id", message: "occurs twice", code: "" }, { field: "version", message: "x", code: "" }], (path) => teamField(lanes, path))).toEqual(
      new Map([[`${lanes[0]!.key}-account`, "occurs twice"]]),
    );
  });
});

describe("two people's changes", () => {
  const mine: Timetable = { ...base, closures: [...base.closures, { first: "2026-12-31", last: "2026-12-31", reason: { de: "Silvester", en: "New Year’s Eve" } }] };

  it("come together when they are about different things", () => {
    const theirs: Timetable = { ...base, version: 4, opening_hours: base.opening_hours.slice(1), clerks: base.clerks.slice(0, 1) };
    const merged = merge(base, mine, theirs);
    expect(merged.clashes).toEqual([]);
    expect(merged.timetable).toEqual({ ...theirs, closures: mine.closures });
  });

  it("come together entry by entry within one list", () => {
    const theirs: Timetable = { ...base, version: 4, closures: [{ first: "2027-01-04", last: "2027-01-05", reason: null }] };
    const merged = merge(base, mine, theirs);
    expect(merged.clashes).toEqual([]);
    expect(merged.timetable.closures.map((one) => one.first)).toEqual(["2027-01-04", "2026-12-31"]);
  });

  it("clash where both changed the same clerk; ours is kept and said so", () => {
    const rename = (name: string): Timetable => ({ ...base, clerks: [{ ...base.clerks[0]!, name }, base.clerks[1]!] });
    const merged = merge(base, rename("Anna B."), { ...rename("Anna C."), version: 4 });
    expect(merged.clashes).toEqual(["clerks"]);
    expect(merged.timetable.clerks[0]?.name).toBe("Anna B.");
    expect(merge(base, rename("Anna C."), { ...rename("Anna C."), version: 4 }).clashes).toEqual([]);
  });

  it("clash where one removed what the other changed", () => {
    const changed: Timetable = { ...base, version: 4, special_days: [{ ...base.special_days[0]!, hours: [] }] };
    expect(merge(base, { ...base, special_days: [] }, changed)).toMatchObject({ clashes: ["special_days"], timetable: { special_days: [] } });
  });

  it("bring somebody back as a new person whom they removed and we changed", () => {
    const mine: Timetable = { ...base, clerks: [base.clerks[0]!, { ...base.clerks[1]!, name: "Ben B." }] };
    const merged = merge(base, mine, { ...base, version: 4, clerks: base.clerks.slice(0, 1) });
    expect(merged.clashes).toEqual(["clerks"]);
    expect(merged.timetable.clerks.map((one) => [one.lane, one.name])).toEqual([[0, "Anna"], [null, "Ben B."]]);
  });

  it("keep what one switched and the other left alone", () => {
    const theirs: Timetable = { ...base, version: 4, observes_holidays: false };
    expect(merge(base, mine, theirs).timetable.observes_holidays).toBe(false);
    expect(merge(base, { ...base, observes_holidays: false }, { ...base, version: 4 }).timetable.observes_holidays).toBe(false);
  });
});
