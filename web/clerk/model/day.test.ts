import { describe, expect, it, vi } from "vitest";

import type { LobbyEntry } from "./agenda";
import { Day } from "./day";
import type { CaseSummary } from "./types";

const NOW = Date.parse("2026-11-24T09:00:00Z");
const item = (id: string, day: string): CaseSummary =>
  ({ case_id: id, appointment_id: `a-${id}`, clerk: null, starts_at: `${day}T09:15:00Z`, state: "open", presence: "absent", waiting_since: null }) as CaseSummary;
const waits = (id: string): LobbyEntry => ({ appointment_id: `a-${id}`, since: "2026-11-24T08:55:00Z", admitted: false, present: true });

function world() {
  const asked: (string | undefined)[] = [];
  const arrived: string[] = [];
  const placesAsked: string[] = [];
  const cases: Record<string, CaseSummary[]> = {
    "2026-11-24": [item("a", "2026-11-24"), item("b", "2026-11-24")],
    "2026-11-25": [item("c", "2026-11-25")],
  };
  const timers: (() => void)[] = [];
  const day = new Day({
    agenda: async (date = "2026-11-24") => {
      asked.push(date);
      return { date, time_zone: "Europe/Berlin", cases: cases[date] ?? [] };
    },
    places: async (date) => {
      placesAsked.push(date);
      return new Map([["a-b", { name: "Anna Becker", mine: true }]]);
    },
    me: () => "me",
    now: () => NOW,
    later: (_ms, run) => {
      timers.push(run);
      return () => timers.splice(timers.indexOf(run), 1);
    },
    arrived: (rows) => arrived.push(...rows.map((row) => row.item.case_id)),
  });
  return { day, asked, arrived, timers, cases, placesAsked };
}

describe("the agenda as it lives", () => {
  it("knows whose place an appointment is booked at, and asks again only for one that it does not know", async () => {
    const { day, placesAsked, cases } = world();
    day.start();
    await vi.waitFor(() => expect(day.value.rows.map((row) => [row.item.case_id, row.kind, row.mine])).toEqual([["b", "next", true], ["a", "later", false]]));
    expect(placesAsked).toEqual(["2026-11-24"]);
    cases["2026-11-24"] = [item("b", "2026-11-24")];
    await day.refresh();
    expect(placesAsked).toHaveLength(1);
  });

  it("leaves an appointment that a colleague has taken to the colleague", async () => {
    const { day, cases } = world();
    cases["2026-11-24"] = [{ ...item("b", "2026-11-24"), clerk: { clerk_id: "other", name: "O" } } as CaseSummary];
    day.start();
    await vi.waitFor(() => expect(day.value.places.size).toBe(1));
    expect(day.value.rows[0]?.mine).toBe(false);
  });

  it("shows today first, and the waiting room on whatever day is shown", async () => {
    const { day } = world();
    await day.refresh();
    expect(day.value).toMatchObject({ date: "2026-11-24", today: "2026-11-24", loading: false });
    day.see([waits("b")]);
    await day.goTo("2026-11-25");
    expect(day.value.rows.map((row) => row.item.case_id)).toEqual(["c"]);
    expect(day.value.waiting.map((row) => row.item.case_id)).toEqual(["b"]);
  });

  it("announces an arrival once", async () => {
    const { day, arrived } = world();
    await day.refresh();
    day.see([waits("b")]);
    day.see([waits("b")]);
    await day.refresh();
    expect(arrived).toEqual(["b"]);
  });

  it("looks at the neighbouring days for somebody who waits and is on no list, once", async () => {
    const { day, asked } = world();
    await day.refresh();
    day.see([waits("c")]);
    await day.refresh();
    await day.refresh();
    expect(day.value.waiting.map((row) => row.item.case_id)).toEqual(["c"]);
    expect(asked.filter((date) => date === "2026-11-25")).toHaveLength(1);
  });

  it("asks casework again when the waiting room changed", async () => {
    const { day, timers, asked } = world();
    day.start();
    await new Promise((resolve) => setTimeout(resolve));
    const before = asked.length;
    day.see([waits("a")]);
    timers.at(-1)?.();
    await new Promise((resolve) => setTimeout(resolve));
    expect(asked.length).toBe(before + 1);
  });

  it("keeps the list when casework cannot be reached, and says so", async () => {
    const { day, cases } = world();
    await day.refresh();
    Object.defineProperty(cases, "2026-11-24", { get: () => { throw new Error("away"); } });
    await day.refresh();
    expect(day.value.rows).toHaveLength(2);
    expect(day.value.problem).not.toBeNull();
  });
});
