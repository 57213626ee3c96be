import { describe, expect, it } from "vitest";

import { language } from "$shared/i18n/language.svelte";
import { groupByDay } from "$shared/booking/slots";
import { addDays, dayAfterKey, daysBetween, daysFrom, weeksOf } from "./days";
import { groupByHour, groupByPart } from "./slots";
import { rangeOf, whenLines } from "./words";
import { clockOf, isRepeated, otherClockOf, zonesDiffer } from "./zones";

const slot = (starts_at: string, ends_at = starts_at): { starts_at: string; ends_at: string } => ({ starts_at, ends_at });
const BERLIN = "Europe/Berlin";

describe("slots by day", () => {
  it("follow the calendar of the time zone that is shown", () => {
    const late = [slot("2026-11-24T23:30:00Z"), slot("2026-11-24T10:00:00Z")];
    expect([...groupByDay(late, BERLIN).keys()]).toEqual(["2026-11-24", "2026-11-25"]);
    expect([...groupByDay(late, "America/New_York").keys()]).toEqual(["2026-11-24"]);
  });

  it("keep both hours of the night in which the clock goes back", () => {
    const twice = [slot("2026-10-25T00:30:00Z"), slot("2026-10-25T01:30:00Z")];
    expect(groupByDay(twice, BERLIN).get("2026-10-25")).toHaveLength(2);
    expect(groupByHour(twice, BERLIN).get(2)).toHaveLength(2);
  });

  it("leave out parts of the day without a free slot", () => {
    const parts = groupByPart([slot("2026-11-24T07:00:00Z"), slot("2026-11-24T13:00:00Z")], BERLIN);
    expect([...parts.keys()]).toEqual(["morning", "afternoon"]);
  });
});

describe("clocks", () => {
  it("name the zone in the hour that comes twice, and in no other", () => {
    language.choose("de");
    expect(["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"].map((instant) => clockOf(instant, BERLIN))).toEqual(["02:30 MESZ", "02:30 MEZ"]);
    expect(isRepeated("2026-10-24T23:59:00Z", BERLIN)).toBe(false);
    expect(isRepeated("2026-10-25T02:00:00Z", BERLIN)).toBe(false);
    // The hour that spring leaves out is no repetition.
    expect(clockOf("2026-03-29T01:00:00Z", BERLIN)).toBe("03:00");
    expect(rangeOf(slot("2026-10-25T00:50:00Z", "2026-10-25T01:05:00Z"), BERLIN)).toBe("02:50 MESZ–02:05 MEZ");
    expect(rangeOf(slot("2026-10-25T02:00:00Z", "2026-10-25T02:15:00Z"), BERLIN)).toBe("03:00–03:15");
  });

  it("know zones that turn by half an hour", () => {
    expect(isRepeated("2026-04-04T14:45:00Z", "Australia/Lord_Howe")).toBe(true);
  });

  it("say the day where it is another one there", () => {
    language.choose("de");
    expect(otherClockOf("2026-11-24T10:00:00Z", BERLIN, "Asia/Kathmandu")).toBe("15:45");
    expect(otherClockOf("2026-11-24T23:30:00Z", BERLIN, "America/New_York")).toBe("Di., 24. Nov., 18:30");
    const lines = whenLines(slot("2026-11-24T23:30:00Z", "2026-11-24T23:45:00Z"), { time_zone: BERLIN }, "America/New_York");
    expect(lines).toEqual([
      "Mittwoch, 25. November 2026",
      "00:30–00:45 Uhr im Amt (Berlin)",
      "Di., 24. Nov., 18:30–18:45 Uhr bei Ihnen (New York)",
    ]);
  });

  it("differ when they do so at any of the slots", () => {
    const [winter, summer] = [slot("2026-11-24T10:00:00Z"), slot("2026-07-01T10:00:00Z")];
    expect(zonesDiffer([winter], BERLIN, "Africa/Tunis")).toBe(false);
    expect(zonesDiffer([winter, summer], BERLIN, "Africa/Tunis")).toBe(true);
    expect(zonesDiffer([winter], BERLIN, BERLIN)).toBe(false);
  });
});

describe("calendar", () => {
  it("starts weeks on Monday and fills them up", () => {
    const weeks = weeksOf(daysFrom("2026-10-30", 14));
    expect(weeks[0]).toEqual([null, null, null, null, "2026-10-30", "2026-10-31", "2026-11-01"]);
    expect(weeks.every((week) => week.length === 7)).toBe(true);
    expect(weeks.flat().filter(Boolean)).toHaveLength(14);
    expect(weeksOf([])).toEqual([]);
  });

  it("knows leap years and turns of the year", () => {
    expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
    expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
    expect(daysBetween("2026-12-30", "2027-01-02")).toBe(3);
  });

  it("leads from day to day by keys", () => {
    const from = (key: string) => dayAfterKey("2026-11-25", key);
    expect(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"].map(from)).toEqual([
      "2026-11-24", "2026-11-26", "2026-11-18", "2026-12-02", "2026-11-23", "2026-11-29", "2026-11-11", "2026-12-09",
    ]);
    expect(from("a")).toBeNull();
  });
});
