import { describe, expect, it } from "vitest";

import { stretchOf, toCome, wrongFields, type AbsenceDraft } from "./absence";

const ZONE = "Europe/Berlin";
const draft: AbsenceDraft = { lane: 2, wholeDays: true, first: "2026-11-23", last: "", from: "08:00", to: "12:00", reason: "sick", note: "" };

describe("an absence", () => {
  it("of whole days reaches from midnight to midnight of the office", () => {
    expect(stretchOf(draft, ZONE)).toEqual({ starts_at: "2026-11-22T23:00:00Z", ends_at: "2026-11-23T23:00:00Z" });
    expect(stretchOf({ ...draft, first: "2027-03-28", last: "2027-03-28" }, ZONE)).toEqual({ starts_at: "2027-03-27T23:00:00Z", ends_at: "2027-03-28T22:00:00Z" });
  });

  it("of hours is what the clock says", () => {
    expect(stretchOf({ ...draft, wholeDays: false, from: "8", to: "9:30" }, ZONE)).toEqual({ starts_at: "2026-11-23T07:00:00Z", ends_at: "2026-11-23T08:30:00Z" });
  });

  it("says which field is wrong", () => {
    expect(wrongFields(draft)).toEqual([]);
    expect(wrongFields({ ...draft, lane: null, first: "" })).toEqual(["lane", "first"]);
    expect(wrongFields({ ...draft, last: "2026-11-20" })).toEqual(["last"]);
    expect(wrongFields({ ...draft, wholeDays: false, from: "x", to: "" })).toEqual(["from", "to"]);
    expect(wrongFields({ ...draft, wholeDays: false, from: "12", to: "8" })).toEqual(["to"]);
    expect(wrongFields({ ...draft, wholeDays: false, last: "2026-11-24", from: "12", to: "8" })).toEqual([]);
  });
});

describe("the list of absences", () => {
  it("leaves out what is over, the next one first", () => {
    const at = (id: string, starts_at: string, ends_at: string) => ({ id, lane: 0, reason: "leave" as const, note: null, starts_at, ends_at });
    const over = at("a", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    const later = at("b", "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z");
    const running = at("c", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z");
    expect(toCome([later, over, running], Date.parse("2026-11-23T08:00:00Z")).map((one) => one.id)).toEqual(["c", "b"]);
  });
});
