import { describe, expect, it } from "vitest";

import { mergeAgenda, type AgendaRow } from "./agenda";
import { chosenRows, filterCounts, listOf, stateCounts } from "./agenda-list";
import type { CaseSummary } from "./types";

const NOW = Date.parse("2026-11-24T09:00:00Z");
const ME = { clerk_id: "me", name: "Anna Becker" };
const OTHER = { clerk_id: "other", name: "Mehmet Yılmaz" };

function item(id: string, time: string, change: Partial<CaseSummary> = {}): CaseSummary {
  return {
    case_id: id,
    appointment_id: `a-${id}`,
    reference: `HD-7K4-${id}`,
    starts_at: `2026-11-24T${time}:00Z`,
    citizen_name: id,
    services: [{ name: { de: "Führungszeugnis", en: "Certificate of good conduct" }, persons: 1 }],
    state: "open",
    clerk: null,
    presence: "absent",
    waiting_since: null,
    ...change,
  } as CaseSummary;
}

const rows = mergeAgenda(
  [
    item("done", "07:00", { state: "completed", clerk: ME }),
    item("gone", "10:00", { state: "cancelled" }),
    item("late", "08:45"),
    item("Jürgen Groß", "09:15", { clerk: ME }),
    item("waits", "09:30", { presence: "waiting", waiting_since: "2026-11-24T08:55:00Z" }),
    item("call", "08:30", { presence: "in_call", clerk: OTHER }),
    item("later", "11:00", { services: [{ name: { de: "Anmeldung", en: "Registration" }, persons: 1 }] as never }),
  ],
  null,
  NOW,
  ({ clerk }) => clerk?.clerk_id === "me",
);
const names = (some: readonly AgendaRow[]): string[] => some.map((row) => row.item.case_id);

describe("a day by the clock", () => {
  it("folds away what is over, and draws the line of now between the rest", () => {
    const { past, before, after } = listOf(rows, NOW);
    expect(names(past)).toEqual(["done", "gone"]);
    expect(names(before)).toEqual(["call", "late"]);
    expect(names(after)).toEqual(["Jürgen Groß", "waits", "later"]);
  });

  it("counts people by state, without the states that nobody is in", () => {
    expect(stateCounts(rows)).toEqual([
      ["waiting", 1],
      ["in_call", 1],
      ["late", 1],
      ["later", 2],
      ["finished", 2],
    ]);
    expect(stateCounts([])).toEqual([]);
  });
});

describe("filters", () => {
  it("leave everything, mine, what nobody has taken, or who waits", () => {
    expect(names(listOf(chosenRows(rows, "mine", ""), NOW).after)).toEqual(["Jürgen Groß"]);
    expect(names(chosenRows(rows, "free", "")).sort()).toEqual(["late", "later", "waits"]);
    expect(names(chosenRows(rows, "waiting", ""))).toEqual(["waits"]);
    expect(filterCounts(rows)).toEqual({ all: 7, mine: 2, free: 3, waiting: 1 });
  });

  it.each([
    ["jurgen gross", ["Jürgen Groß"]],
    ["hd7k4later", ["later"]],
    ["registration", ["later"]],
    ["führungs wai", ["waits"]],
    ["nobody", []],
  ])("find %s by name, number and service in either language", (typed, found) => {
    expect(names(chosenRows(rows, "all", typed))).toEqual(found);
  });

  it("of words apply within the chosen rows", () => {
    expect(chosenRows(rows, "mine", "later")).toEqual([]);
  });
});
