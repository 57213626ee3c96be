import { describe, expect, it } from "vitest";

import { byDay, byHour, windowFrom } from "./slots";

const ZONE = "Europe/Berlin";
const slot = (starts_at: string, returns_at: string | null = null) => ({ starts_at, ends_at: starts_at, returns_at });
const slots = [slot("2026-11-23T07:00:00Z"), slot("2026-11-23T07:15:00Z"), slot("2026-11-23T08:00:00Z"), slot("2026-11-23T23:30:00Z")];

describe("free slots", () => {
  it("stand under the office's day", () => {
    expect(byDay(slots, ZONE).map((one) => [one.day, one.slots.length])).toEqual([
      ["2026-11-23", 3],
      ["2026-11-24", 1],
    ]);
  });

  it("stand in rows of an hour", () => {
    expect(byHour(slots.slice(0, 3), ZONE)).toEqual([
      { hour: "08", slots: [{ startsAt: slots[0]!.starts_at, label: "08:00", returns: null }, { startsAt: slots[1]!.starts_at, label: "08:15", returns: null }] },
      { hour: "09", slots: [{ startsAt: slots[2]!.starts_at, label: "09:00", returns: null }] },
    ]);
  });

  it("keep both passes of an hour that autumn repeats", () => {
    const twice = [slot("2026-10-25T00:30:00Z"), slot("2026-10-25T01:30:00Z")];
    expect(byHour(twice, ZONE)).toEqual([{ hour: "02", slots: twice.map((one) => ({ startsAt: one.starts_at, label: "02:30", returns: null })) }]);
  });

  it("say when the public sees what was just given back", () => {
    const [row] = byHour([slot("2026-11-23T07:00:00Z", "2026-11-22T13:10:00Z")], ZONE);
    expect(row?.slots).toEqual([{ startsAt: "2026-11-23T07:00:00Z", label: "08:00", returns: "14:10" }]);
  });

  it("are asked for two weeks at a time", () => {
    expect(windowFrom("2026-11-23")).toEqual({ from: "2026-11-23", to: "2026-12-06" });
  });
});
