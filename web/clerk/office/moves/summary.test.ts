import { describe, expect, it } from "vitest";

import type { AppointmentBrief, Moves } from "../types";
import { asPreviewed, periodOf, summarise } from "./summary";

const ZONE = "Europe/Berlin";
const NOW = Date.parse("2026-11-25T09:17:42Z"); // a Wednesday

const brief = (id: string, starts: string): AppointmentBrief => ({
  appointment_id: id,
  reference: `HD-${id}`,
  lane: 2,
  starts_at: starts,
  ends_at: starts,
  services: [],
  state: "booked",
  name: `Name ${id}`,
  channel: "citizen",
});

const moves: Moves = {
  kept_time: [brief("k2", "2026-11-25T12:00:00Z"), brief("k1", "2026-11-25T10:00:00Z")],
  moved: [
    { appointment_id: "m2", reference: "HD-m2", from: "2026-11-25T13:00:00Z", to: "2026-11-26T08:00:00Z" },
    { appointment_id: "m1", reference: "HD-m1", from: "2026-11-25T11:00:00Z", to: "2026-11-25T10:30:00Z" },
  ],
  left: [{ ...brief("l1", "2026-11-25T14:00:00Z"), reason: "no_room" }],
};

describe("the period of an absence", () => {
  it("begins now when it begins today", () => {
    expect(periodOf("rest_of_today", NOW, ZONE)).toEqual({ from: "2026-11-25T09:17:00Z", to: "2026-11-25T23:00:00Z" });
    expect(periodOf("this_week", NOW, ZONE)).toEqual({ from: "2026-11-25T09:17:00Z", to: "2026-11-29T23:00:00Z" });
    expect(periodOf("days", NOW, ZONE, "2026-11-24", "2026-11-26")).toEqual({ from: "2026-11-25T09:17:00Z", to: "2026-11-26T23:00:00Z" });
  });

  it("is whole days of the office otherwise, over a change of the clock too", () => {
    expect(periodOf("tomorrow", NOW, ZONE)).toEqual({ from: "2026-11-25T23:00:00Z", to: "2026-11-26T23:00:00Z" });
    expect(periodOf("days", NOW, ZONE, "2027-03-28")).toEqual({ from: "2027-03-27T23:00:00Z", to: "2027-03-28T22:00:00Z" });
  });

  it("is none while the days are not there, the wrong way round, or over", () => {
    expect(periodOf("days", NOW, ZONE)).toBeNull();
    expect(periodOf("days", NOW, ZONE, "2026-12-02", "2026-12-01")).toBeNull();
    expect(periodOf("days", NOW, ZONE, "2026-11-23", "2026-11-24")).toBeNull();
  });
});

describe("the summary of moves", () => {
  const summary = summarise(moves, new Map([["m1", "Ada"]]), ZONE);

  it("counts who hears of it: those who are moved, once each", () => {
    expect([summary.total, summary.notified]).toEqual([5, 2]);
  });

  it("is in the order of the clock, with names where they are known", () => {
    expect(summary.kept.map((one) => one.appointment_id)).toEqual(["k1", "k2"]);
    expect(summary.moved).toMatchObject([
      { reference: "HD-m1", name: "Ada", shiftMinutes: -30, shiftDays: 0 },
      { reference: "HD-m2", name: null, shiftMinutes: 1140, shiftDays: 1 },
    ]);
  });
});

describe("what was done", () => {
  it("is what the preview said, in any order", () => {
    expect(asPreviewed(moves, { ...moves, moved: [...moves.moved].reverse() })).toBe(true);
  });

  it("differs when somebody else took a place in between", () => {
    expect(asPreviewed(moves, { ...moves, moved: moves.moved.slice(1), left: [...moves.left, { ...brief("m2", "2026-11-25T13:00:00Z"), reason: "no_room" }] })).toBe(false);
  });
});
