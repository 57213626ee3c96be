import { describe, expect, it } from "vitest";

import { arrivals, dayOf, mergeAgenda, shiftDay, unknownWaiting, upNext, waitingTime, type LobbyEntry } from "./agenda";
import type { CaseSummary } from "./types";

const NOW = Date.parse("2026-11-24T09:00:00Z");

function item(id: string, time: string, change: Partial<CaseSummary> = {}): CaseSummary {
  return {
    case_id: id,
    appointment_id: `a-${id}`,
    reference: `HD-${id}`,
    starts_at: `2026-11-24T${time}:00Z`,
    ends_at: `2026-11-24T${time}:00Z`,
    citizen_name: id,
    language: "de",
    services: [],
    needs: [],
    state: "open",
    stage: "talk",
    clerk: null,
    presence: "absent",
    waiting_since: null,
    technical_check: null,
    mail: "delivered",
    ...change,
  };
}

const waits = (id: string, since: string, change: Partial<LobbyEntry> = {}): LobbyEntry => ({
  appointment_id: `a-${id}`,
  since: `2026-11-24T${since}Z`,
  admitted: false,
  present: true,
  ...change,
});

const order = (cases: CaseSummary[], lobby: LobbyEntry[] | null): string[] =>
  mergeAgenda(cases, lobby, NOW).map((row) => `${row.item.case_id}:${row.kind}`);

describe("the day's order", () => {
  it("puts waiting first by waiting time, then calls, late, next, later, finished", () => {
    const cases = [
      item("done", "08:00", { state: "completed" }),
      item("late", "08:30"),
      item("call", "08:45"),
      item("short", "08:50"),
      item("long", "09:30"),
      item("next", "09:15"),
      item("later", "10:00"),
    ];
    const lobby = [waits("short", "08:58:00"), waits("long", "08:51:00"), waits("call", "08:44:00", { admitted: true })];
    expect(order(cases, lobby)).toEqual([
      "long:waiting",
      "short:waiting",
      "call:in_call",
      "late:late",
      "next:next",
      "later:later",
      "done:finished",
    ]);
  });

  it("calls one person next, of six at the nearest start ahead", () => {
    const six = ["a", "b", "c", "d", "e", "f"].map((id) => item(id, "09:15"));
    const kinds = (mine: (id: string) => boolean): string[] =>
      mergeAgenda(six, [], NOW, ({ case_id }) => mine(case_id)).filter(({ kind }) => kind === "next").map((row) => row.item.case_id);
    expect(kinds(() => false)).toEqual(["a"]);
    expect(kinds((id) => id === "d")).toEqual(["d"]);
  });

  it("prefers the clerk's own to an earlier one, and what nobody has taken to a colleague's", () => {
    const colleague = { clerk_id: "c", name: "C" };
    const cases = [item("taken", "09:15", { clerk: colleague }), item("free", "09:20"), item("own", "09:30")];
    const next = (mine: string | null): string | undefined =>
      mergeAgenda(cases, [], NOW, ({ case_id }) => case_id === mine).find(({ kind }) => kind === "next")?.item.case_id;
    expect(next(null)).toBe("free");
    expect(next("own")).toBe("own");
  });

  it("believes the lobby over casework while the socket lives, and casework without it", () => {
    const gone = item("gone", "09:15", { presence: "waiting", waiting_since: "2026-11-24T08:55:00Z" });
    expect(order([gone], [])).toEqual(["gone:next"]);
    expect(order([gone], null)).toEqual(["gone:waiting"]);
  });

  it("does not show somebody whose connection is gone as waiting", () => {
    expect(order([item("a", "09:15")], [waits("a", "08:50:00", { present: false })])).toEqual(["a:next"]);
  });

  it("leaves a finished case finished even if the citizen lingers in the room", () => {
    expect(order([item("a", "08:15", { state: "aborted" })], [waits("a", "08:10:00")])).toEqual(["a:finished"]);
  });
});

describe("arrivals", () => {
  it("names who is waiting now and was not before", () => {
    const cases = [item("a", "09:15"), item("b", "09:30")];
    const before = mergeAgenda(cases, [waits("a", "08:50:00")], NOW);
    const after = mergeAgenda(cases, [waits("a", "08:50:00"), waits("b", "08:59:00")], NOW);
    expect(arrivals(before, after).map((row) => row.item.case_id)).toEqual(["b"]);
    expect(arrivals(after, after)).toEqual([]);
  });

  it("finds waiting citizens of a day that is not loaded", () => {
    expect(unknownWaiting([item("a", "09:15")], [waits("a", "08:50:00"), waits("x", "08:50:00")])).toHaveLength(1);
    expect(unknownWaiting([], null)).toEqual([]);
  });
});

describe("time", () => {
  it("counts minutes and seconds, and hours when it comes to that", () => {
    expect(waitingTime(NOW - 187_000, NOW)).toBe("3:07");
    expect(waitingTime(NOW - 3_750_000, NOW)).toBe("1:02:30");
    expect(waitingTime(NOW + 5_000, NOW)).toBe("0:00");
  });

  it("knows the office's day around midnight and over the clock change", () => {
    expect(dayOf(Date.parse("2026-11-24T23:30:00Z"), "Europe/Berlin")).toBe("2026-11-25");
    expect(shiftDay("2026-10-25", 1)).toBe("2026-10-26");
    expect(shiftDay("2026-03-01", -1)).toBe("2026-02-28");
  });
});

describe("the line about who is next", () => {
  const said = (mine: readonly string[], taken: readonly string[] = []): string => {
    const cases = [item("a", "09:15"), item("b", "09:40")].map((one) => ({ ...one, clerk: taken.includes(one.case_id) ? { clerk_id: "x", name: "Mara" } : null }));
    const next = upNext(mergeAgenda(cases, null, NOW, ({ case_id }) => mine.includes(case_id)));
    return `${next?.row.item.case_id}:${next?.as}`;
  };

  it("calls one's own 'yours', also where others come earlier", () => {
    expect(said(["b"])).toBe("b:own");
    expect(said(["a"])).toBe("a:own");
  });

  it("calls 'the next' only what is the first of all", () => {
    expect(said([])).toBe("a:first");
    expect(said([], ["a"])).toBe("b:untaken");
    expect(said([], ["a", "b"])).toBe("a:first");
    expect(upNext([])).toBeNull();
  });
});
