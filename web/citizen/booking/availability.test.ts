import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { OfficeInfo, Slot, Slots } from "$shared/api/types";
import { office } from "../testing";
import { Availability } from "./availability.svelte";
import { Picking } from "./picking.svelte";
import type { Reservation } from "./reservation.svelte";

const OFFICE = { time_zone: "Europe/Berlin", booking: { horizon_days: 90 } } as unknown as OfficeInfo;
const slots = (...starts: string[]): Slots => ({ slots: starts.map((starts_at) => ({ starts_at, ends_at: starts_at })) }) as unknown as Slots;

beforeEach(() => void vi.useFakeTimers({ now: Date.parse("2026-11-26T11:00:00Z"), toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** A calendar whose pages answer when the test says so, by the last day that was asked for. */
function world() {
  const asked: { readonly to: string; readonly give: (slots: Slots) => void; readonly fail: (problem: unknown) => void }[] = [];
  const free = new Availability(OFFICE, (_from, to) => new Promise((give, fail) => asked.push({ to, give, fail })));
  return { asked, free };
}

describe("a page that is turned to", () => {
  it("is still loading when only the one before has come", async () => {
    const { asked, free } = world();
    const first = free.load(0);
    const second = free.load(1);
    asked[0]?.give(slots("2026-11-27T09:00:00Z"));
    await first;
    expect(free.loading).toBe(true);
    asked[1]?.give(slots());
    await second;
    expect(free.loading).toBe(false);
    expect([...free.slots.keys()]).toEqual(["2026-11-27T09:00:00Z"]);
  });

  it("does not take over the failure of another one, which shows when that is looked at again", async () => {
    const { asked, free } = world();
    const first = free.load(0);
    const second = free.load(1);
    asked[0]?.fail("away");
    asked[1]?.give(slots());
    await Promise.all([first, second]);
    expect([free.problem, free.loading]).toEqual([null, false]);
    void free.load(0);
    expect([free.problem, free.loading, asked.length]).toEqual([null, true, 3]);
  });

  it("that is asked again shows the newer answer, whichever comes last", async () => {
    const { asked, free } = world();
    const before = free.load(1);
    const after = free.load(1, { again: true });
    asked[1]?.give(slots("2026-12-11T10:00:00Z"));
    asked[0]?.give(slots("2026-12-11T09:00:00Z", "2026-12-11T10:00:00Z"));
    await Promise.all([before, after]);
    expect([...free.slots.keys()]).toEqual(["2026-12-11T10:00:00Z"]);
  });
});

describe("the beginning", () => {
  it("turns on to the first page with something free", async () => {
    const { asked, free } = world();
    const start = free.start();
    asked[0]?.give(slots());
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    expect(free.loading).toBe(true);
    asked[1]?.give(slots("2026-12-11T10:00:00Z"));
    expect(await start).toBe(1);
  });

  it("turns no further once somebody turns the pages themselves", async () => {
    const { asked, free } = world();
    const start = free.start();
    void free.load(3);
    asked[0]?.give(slots());
    expect(await start).toBeNull();
    expect([asked.length, free.loading]).toEqual([2, true]);
  });
});

const questions: [string, string][] = [];
const at = (starts_at: string): Slot => ({ starts_at, ends_at: starts_at });
function calendar(...slots: string[]): Availability {
  const source = (from: string, to: string) => {
    questions.push([from, to]);
    const inside = slots.filter((slot) => slot.slice(0, 10) >= from && slot.slice(0, 10) <= to);
    return Promise.resolve({ time_zone: "Europe/Berlin", minutes: 10, slots: inside.map(at) });
  };
  return new Availability({ ...office(), booking: { horizon_days: 40 } as never }, source);
}

describe("the days that are shown first", () => {
  beforeEach(() => {
    questions.length = 0;
    vi.setSystemTime("2026-10-30T08:00:00Z");
  });

  it("are the next 14, on the 30th too, with one request", async () => {
    const days = calendar("2026-10-30T09:00:00Z", "2026-11-03T09:00:00Z");
    expect(await days.start()).toBe(0);
    expect(questions).toEqual([["2026-10-30", "2026-11-13"]]);
    expect([days.daysOf(0)[0], days.daysOf(0).at(-1), days.daysOf(0).length]).toEqual(["2026-10-30", "2026-11-12", 14]);
    expect(days.slots.size).toBe(2);
  });

  it("are the first in which something is free", async () => {
    const days = calendar("2026-12-01T09:00:00Z");
    expect(await days.start()).toBe(2);
    expect(questions).toHaveLength(3);
    expect(days.daysOf(days.lastPage).at(-1)).toBe("2026-12-09");
  });

  it("leave no page of less than a week at the end", () => {
    const until = (horizon_days: number): number[] => {
      const days = new Availability({ ...office(), booking: { horizon_days } as never }, () => Promise.reject(new Error("not asked")));
      return Array.from({ length: days.lastPage + 1 }, (_, page) => days.daysOf(page).length);
    };
    expect([until(1), until(14), until(20), until(40)]).toEqual([[2], [15], [14, 7], [14, 14, 13]]);
  });

  it("begin with the day that it still is where somebody is", async () => {
    const days = calendar("2026-10-30T09:30:00Z");
    const picking = new Picking({ ...office(), booking: { horizon_days: 40 } as never }, days, { slot: null } as unknown as Reservation, "Pacific/Honolulu");
    await picking.start();
    expect([picking.shown[0], picking.shown.length, picking.day]).toEqual(["2026-10-29", 15, "2026-10-29"]);
  });
});

describe("who moves an appointment", () => {
  const EARLY = ["2026-10-30T09:00:00Z", "2026-10-30T10:00:00Z", "2026-10-30T11:00:00Z"];
  const picker = (days: Availability): Picking =>
    new Picking({ ...office(), booking: { horizon_days: 40 } as never }, days, { slot: null } as unknown as Reservation, "Europe/Berlin");
  beforeEach(() => {
    questions.length = 0;
    vi.setSystemTime("2026-10-30T08:00:00Z");
  });

  it("sees the day of the appointment first, and the earliest times none the less", async () => {
    const picking = picker(calendar(...EARLY, "2026-11-17T09:00:00Z", "2026-11-18T09:00:00Z"));
    const start = picking.start("2026-11-18T11:00:00Z");
    expect(picking.starting).toBe(true);
    await start;
    expect([picking.starting, picking.page, picking.day]).toEqual([false, 1, "2026-11-18"]);
    expect(picking.earliest.map(({ starts_at }) => starts_at)).toEqual(EARLY);
    expect(questions).toHaveLength(2);
  });

  it("sees the earliest days where nothing is free on that one", async () => {
    const picking = picker(calendar(...EARLY, "2026-11-17T09:00:00Z"));
    await picking.start("2026-11-18T11:00:00Z");
    expect([picking.page, picking.day]).toEqual([0, "2026-10-30"]);
  });

  it("sees the earliest days where that one cannot be asked about", async () => {
    const days = new Availability({ ...office(), booking: { horizon_days: 40 } as never }, (from) =>
      from > "2026-11-01" ? Promise.reject(new Error("away")) : Promise.resolve(slots(...EARLY)),
    );
    const picking = picker(days);
    await picking.start("2026-11-18T11:00:00Z");
    expect([picking.page, picking.day, days.problem, picking.starting]).toEqual([0, "2026-10-30", null, false]);
  });
});
