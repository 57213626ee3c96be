import { describe, expect, it } from "vitest";

import { feeRange, feeText, totalRange } from "./fees";
import { addDays, addMonths, lastDay, weeksOf } from "./months";
import { groupByDay, groupByHour, groupByPart } from "./slots";

const slot = (starts_at: string): { starts_at: string; ends_at: string } => ({ starts_at, ends_at: starts_at });
const fee = (amount_cents: number): { amount_cents: number } => ({ amount_cents });

describe("slots by day", () => {
  it("follow the calendar of the time zone that is shown", () => {
    const late = [slot("2026-11-24T23:30:00Z"), slot("2026-11-24T10:00:00Z")];
    expect([...groupByDay(late, "Europe/Berlin").keys()]).toEqual(["2026-11-24", "2026-11-25"]);
    expect([...groupByDay(late, "America/New_York").keys()]).toEqual(["2026-11-24"]);
  });

  it("keep both hours of the night in which the clock goes back", () => {
    const twice = [slot("2026-10-25T00:30:00Z"), slot("2026-10-25T01:30:00Z")];
    expect(groupByDay(twice, "Europe/Berlin").get("2026-10-25")).toHaveLength(2);
    expect(groupByHour(twice, "Europe/Berlin").get(2)).toHaveLength(2);
  });

  it("leave out parts of the day without a free slot", () => {
    const parts = groupByPart([slot("2026-11-24T07:00:00Z"), slot("2026-11-24T13:00:00Z")], "Europe/Berlin");
    expect([...parts.keys()]).toEqual(["morning", "afternoon"]);
  });
});

describe("calendar", () => {
  it("starts weeks on Monday and fills them up", () => {
    const november = weeksOf("2026-11");
    expect(november[0]).toEqual([null, null, null, null, null, null, "2026-11-01"]);
    expect(november.every((week) => week.length === 7)).toBe(true);
    expect(november.flat().filter(Boolean)).toHaveLength(30);
  });

  it("knows leap years and turns of the year", () => {
    expect(lastDay("2028-02")).toBe("2028-02-29");
    expect(addMonths("2026-12", 1)).toBe("2027-01");
    expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
  });
});

describe("fees in words", () => {
  const words = { free: "free", sometimesFree: "free in some cases", range: (from: string, to: string) => `${from} to ${to}` };
  const text = (...fees: number[]): string => feeText(feeRange({ fees: fees.map(fee) }), String, words);

  it("says free, one amount, a range, and exemptions", () => {
    expect(text()).toBe("free");
    expect(text(0)).toBe("free");
    expect(text(1300)).toBe("1300");
    expect(text(4600, 2760)).toBe("2760 to 4600");
    expect(text(0, 0, 1300)).toBe("1300, free in some cases");
  });

  it("adds up several services", () => {
    expect(totalRange([{ fees: [fee(1300)] }, { fees: [fee(2760), fee(4600)] }, { fees: [] }])).toEqual({
      least: 4060,
      most: 5900,
      sometimesFree: false,
    });
  });
});
