import { describe, expect, it } from "vitest";

import { clock, daysBetween, instantOf, isDay, mondayOf, parseClock, wallTime, weekdayOf } from "./time";

const BERLIN = "Europe/Berlin";

describe("the office's clock", () => {
  it("shows local day and minute of an instant", () => {
    expect(wallTime("2026-11-23T07:15:00Z", BERLIN)).toEqual({ day: "2026-11-23", minute: 495 });
    expect(wallTime("2026-07-01T22:30:00Z", BERLIN)).toEqual({ day: "2026-07-02", minute: 30 });
  });

  it("is read back to the same instant all year", () => {
    for (const day of ["2026-01-15", "2026-03-28", "2026-03-29", "2026-07-01", "2026-10-24", "2026-10-25", "2026-10-26"]) {
      for (const minute of [0, 60, 480, 1020, 1439]) expect(wallTime(instantOf(day, minute, BERLIN), BERLIN), day).toEqual({ day, minute });
    }
  });

  it("reads a time that spring leaves out on the clock of before, and one that autumn repeats as its first occurrence", () => {
    expect(instantOf("2026-03-29", 150, BERLIN)).toBe("2026-03-29T01:30:00Z");
    expect(instantOf("2026-10-25", 150, BERLIN)).toBe("2026-10-25T00:30:00Z");
  });

  it("ends a day at 24:00", () => {
    expect(instantOf("2026-11-23", 1440, BERLIN)).toBe("2026-11-23T23:00:00Z");
    expect(clock(1440)).toBe("24:00");
  });
});

describe("the calendar", () => {
  it("knows Mondays and weekdays", () => {
    expect(mondayOf("2026-11-29")).toBe("2026-11-23");
    expect(mondayOf("2026-11-23")).toBe("2026-11-23");
    expect(weekdayOf("2026-11-28")).toBe("sat");
    expect(daysBetween("2026-03-28", "2026-03-30")).toBe(2);
  });

  it("knows which days exist", () => {
    expect(isDay("2026-02-29")).toBe(false);
    expect(isDay("2028-02-29")).toBe(true);
    expect(isDay("")).toBe(false);
  });
});

describe("a typed time", () => {
  it.each([
    ["8", 480],
    ["08:05", 485],
    ["8.30", 510],
    ["0830", 510],
    ["830", 510],
    ["14 Uhr", 840],
    ["24:00", 1440],
    ["0", 0],
  ])("%s", (typed, minute) => expect(parseClock(typed)).toBe(minute));

  it.each(["", "25", "8:60", "24:01", "acht", "-1", "12345"])("refuses %s", (typed) => expect(parseClock(typed)).toBeNull());
});
