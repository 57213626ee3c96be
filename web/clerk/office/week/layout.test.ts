import { describe, expect, it } from "vitest";

import type { AppointmentBrief, Week, WeekDay } from "../types";
import { isEmpty, isUsed, layoutWeek, listOf, neighbour, opensAt, pace, provisionalOf, sideBySide, spanOn } from "./layout";

const ZONE = "Europe/Berlin";

function brief(id: string, lane: number, starts: string, ends: string, state: AppointmentBrief["state"] = "booked"): AppointmentBrief {
  const services = [{ service_id: "personalausweis", persons: 1 }];
  return { appointment_id: id, reference: `HD-${id}`, lane, starts_at: starts, ends_at: ends, services, state, name: "Ada", channel: "citizen" };
}

function day(date: string, ...appointments: AppointmentBrief[]): WeekDay {
  const hours = [{ starts_at: `${date}T07:00:00Z`, ends_at: `${date}T11:00:00Z` }];
  return {
    day: date,
    closed: null,
    note: null,
    hours,
    lanes: [0, 1].map((lane) => ({
      lane,
      name: `Clerk ${lane}`,
      mine: lane === 0,
      on_duty: hours,
      appointments: appointments.filter((one) => one.lane === lane),
      blocked: [],
      provisional: [],
    })),
    offered_minutes: 480,
    booked_minutes: 120,
  };
}

const closed = (date: string): WeekDay => ({ ...day(date), closed: "weekly", hours: [], lanes: [], offered_minutes: 0, booked_minutes: 0 });

const a = brief("a", 0, "2026-11-23T07:00:00Z", "2026-11-23T07:15:00Z");
const b = brief("b", 0, "2026-11-23T08:30:00Z", "2026-11-23T08:45:00Z");
const c = brief("c", 1, "2026-11-23T08:20:00Z", "2026-11-23T08:50:00Z");
const d = brief("d", 0, "2026-11-24T07:30:00Z", "2026-11-24T07:35:00Z");
const week: Week = { time_zone: ZONE, monday: "2026-11-23", days: [day("2026-11-23", a, b, c), day("2026-11-24", d), closed("2026-11-25")], conflicts: [{ ...c, reason: "blocked" }] };

describe("a week's layout", () => {
  const layout = layoutWeek(week);

  it("shows whole hours around everything that happens, on the office's clock", () => {
    expect([layout.from, layout.to]).toEqual([480, 720]);
    expect(layout.days[0]?.lanes[0]?.blocks.map((block) => [block.from, block.to])).toEqual([
      [480, 495],
      [570, 585],
    ]);
  });

  it("marks appointments that nobody is there for", () => {
    expect(layout.days[0]?.lanes[1]?.blocks[0]?.conflict).toBe(true);
    expect(layout.days[0]?.lanes[0]?.blocks[0]?.conflict).toBe(false);
  });

  it("says how full a day is, and nothing about a day that offers nothing", () => {
    expect(layout.days.map((one) => one.utilisation)).toEqual([0.25, 0.25, null]);
    expect(layout.days.map((one) => isEmpty(one))).toEqual([false, false, true]);
  });

  it("leaves out what was cancelled and keeps what was missed", () => {
    const states = (["cancelled", "no_show", "completed"] as const).map((state, at) => brief(state, 0, `2026-11-23T0${7 + at}:00:00Z`, `2026-11-23T0${7 + at}:15:00Z`, state));
    const shown = layoutWeek({ ...week, days: [day("2026-11-23", ...states)] });
    expect(shown.days[0]?.lanes[0]?.blocks.map((block) => block.brief.state)).toEqual(["no_show", "completed"]);
  });

  it("shows what is kept until somebody confirms their address, until when, and as nobody's appointment", () => {
    const lanes = day("2026-11-23").lanes.map((lane) => ({ ...lane, provisional: lane.lane === 1 ? [{ starts_at: "2026-11-23T12:00:00Z", ends_at: "2026-11-23T12:15:00Z", confirm_by: "2026-11-20T13:10:00Z" }] : [] }));
    const shown = layoutWeek({ ...week, days: [{ ...day("2026-11-23"), lanes }] });
    expect(provisionalOf(shown.days[0]!).map(({ span, lane }) => [span, lane.lane])).toEqual([[{ from: 780, to: 795, until: "14:10" }, 1]]);
    expect([shown.days[0]?.count, shown.to, shown.days[0]?.lanes.map(isUsed)]).toEqual([0, 840, [false, true]]);
  });

  it("shows office hours when nothing is known", () => {
    expect(layoutWeek({ ...week, days: [closed("2026-11-23")], conflicts: [] })).toMatchObject({ from: 480, to: 1020 });
  });

  it("lists a day in the order of the clock", () => {
    expect(listOf(layout.days[0]!).map(({ block }) => block.brief.appointment_id)).toEqual(["a", "c", "b"]);
  });

  it("holds a full week of six lanes with forty appointments a day", () => {
    const lanes = Array.from({ length: 6 }, (_, lane) => lane);
    const days = Array.from({ length: 7 }, (_, at) => {
      const date = `2026-11-${23 + at}`;
      const many = lanes.flatMap((lane) =>
        Array.from({ length: 40 }, (_unused, n) => {
          const start = Date.parse(`${date}T06:00:00Z`) + n * 15 * 60_000;
          return brief(`${date}-${lane}-${n}`, lane, new Date(start).toISOString(), new Date(start + 900_000).toISOString());
        }),
      );
      return { ...day(date), lanes: lanes.map((lane) => ({ lane, name: "", mine: false, on_duty: [], blocked: [], provisional: [], appointments: many.filter((one) => one.lane === lane) })) };
    });
    const large = layoutWeek({ ...week, days, conflicts: [] });
    expect(large.days.reduce((sum, one) => sum + one.count, 0)).toBe(1680);
  });
});

describe("a grid that can be read", () => {
  const five = (minutes: number) =>
    layoutWeek({ ...week, days: [day("2026-11-23", a, { ...b, starts_at: "2026-11-23T07:20:00Z", ends_at: "2026-11-23T07:25:00Z" }, { ...d, starts_at: `2026-11-23T07:${20 + minutes}:00Z`, ends_at: `2026-11-23T07:${25 + minutes}:00Z` })] });

  it("gives five-minute appointments a line each, however close they are", () => {
    expect(pace(five(5).days, 1.15)).toBe(5);
    expect(pace(five(10).days, 1.15)).toBe(2.5);
    expect(pace(layoutWeek(week).days, 1.15)).toBe(1.15);
    expect(pace([], 2.6)).toBe(2.6);
  });

  it("opens shortly before now on today's days, and where work begins on others", () => {
    const { days, from, to } = layoutWeek(week);
    expect(opensAt({ from, to }, days, "2026-11-24", 600)).toBe(555);
    expect(opensAt({ from: 0, to: 1440 }, days, "2026-12-24", 600)).toBe(465);
  });

  it("of an office that never closes opens at the first appointment, and without any at office hours", () => {
    const round = (one: ReturnType<typeof layoutWeek>["days"][number]) => ({ ...one, hours: [{ from: 0, to: 1440 }] });
    const booked = layoutWeek(week).days.map(round);
    expect(opensAt({ from: 0, to: 1440 }, booked, "2026-12-24", 600)).toBe(465);
    expect(opensAt({ from: 0, to: 1440 }, booked.slice(2), "2026-12-24", 600)).toBe(465);
  });
});

describe("a span on a day", () => {
  it("is cut at midnight", () => {
    const leave = { starts_at: "2026-11-22T23:00:00Z", ends_at: "2026-11-24T11:00:00Z" };
    expect(spanOn("2026-11-23", leave, ZONE)).toEqual({ from: 0, to: 1440 });
    expect(spanOn("2026-11-24", leave, ZONE)).toEqual({ from: 0, to: 720 });
    expect(spanOn("2026-11-25", leave, ZONE)).toBeNull();
  });

  it("that ends at midnight is not on the next day", () => {
    expect(spanOn("2026-11-24", { starts_at: "2026-11-23T08:00:00Z", ends_at: "2026-11-23T23:00:00Z" }, ZONE)).toBeNull();
  });
});

describe("appointments at one time", () => {
  it("share the lane's width, the ones after them have it alone", () => {
    const at = (from: number, to: number, who: AppointmentBrief) => ({ from, to, brief: who, conflict: false });
    const placed = sideBySide([at(500, 515, b), at(480, 500, a), at(485, 495, c)]);
    expect(placed.map((block) => [block.brief.appointment_id, block.column, block.columns])).toEqual([
      ["a", 0, 2],
      ["c", 1, 2],
      ["b", 0, 1],
    ]);
  });
});

describe("the arrow keys", () => {
  const layout = layoutWeek(week);

  it("lead along a lane, and to the nearest in time beside it", () => {
    expect(neighbour(layout, "a", "ArrowDown")).toBe("b");
    expect(neighbour(layout, "b", "ArrowUp")).toBe("a");
    expect(neighbour(layout, "b", "ArrowRight")).toBe("c");
    expect(neighbour(layout, "c", "ArrowRight")).toBe("d");
    expect(neighbour(layout, "c", "ArrowLeft")).toBe("b");
    expect(neighbour(layout, "a", "End")).toBe("b");
  });

  it("stop at the edges", () => {
    expect(neighbour(layout, "a", "ArrowUp")).toBeNull();
    expect(neighbour(layout, "d", "ArrowRight")).toBeNull();
  });

  it("begin with the first appointment when the one before is gone", () => {
    expect(neighbour(layout, "gone", "ArrowDown")).toBe("a");
  });
});
