import { describe, expect, it } from "vitest";

import { waiting } from "$shared/i18n/waiting";
import { askedFor, periodProblems } from "./period";

const BERLIN = "Europe/Berlin";
const UNTIL = "2026-12-11T23:00:00Z";

describe("the days that somebody waits for", () => {
  it.each([
    ["2026-12-01", "2026-12-11", "Dienstag, 1. Dezember 2026 bis Freitag, 11. Dezember 2026"],
    ["2026-12-01", "2026-12-01", "Dienstag, 1. Dezember 2026"],
    ["2026-12-01", null, "ab Dienstag, 1. Dezember 2026"],
    [null, "2026-12-11", "bis Freitag, 11. Dezember 2026"],
    // It ends as the twelfth begins in Berlin: the eleventh is the last day.
    [null, null, "jeder freie Tag; Sie warten längstens bis Freitag, 11. Dezember 2026"],
  ])("from %s to %s are told in words", (first, last, told) => {
    expect(askedFor({ first, last, until: UNTIL }, BERLIN, waiting)).toBe(told);
  });

  it("are in order", () => {
    expect(periodProblems({ first: "2026-12-02", last: "2026-12-01" }, { order: "no" })).toEqual([{ field: "last", message: "no" }]);
    expect(periodProblems({ first: "2026-12-02", last: "" }, { order: "no" })).toEqual([]);
  });
});
