import { describe, expect, it } from "vitest";

import { exceptionLines, openingLines, weekdayName } from "./hours";

const day = (weekday: "mon" | "tue" | "wed" | "thu", opens: string, closes: string) => ({ weekday, opens, closes });

describe("opening hours", () => {
  it("put neighbouring days of equal hours together", () => {
    const lines = openingLines([day("mon", "08:00", "12:00"), day("tue", "08:00", "12:00"), day("thu", "08:00", "12:00")]);
    expect(lines).toEqual([
      { from: "mon", to: "tue", spans: ["08:00–12:00"] },
      { from: "thu", to: "thu", spans: ["08:00–12:00"] },
    ]);
  });

  it("keep several spans of a day in order", () => {
    expect(openingLines([day("wed", "14:00", "17:30"), day("wed", "08:00", "12:00")])[0]?.spans).toEqual(["08:00–12:00", "14:00–17:30"]);
  });

  it("name weekdays in the language asked for", () => {
    expect(weekdayName("thu", "de")).toBe("Donnerstag");
    expect(weekdayName("mon", "en")).toBe("Monday");
  });
});

describe("special days", () => {
  it("come in order, closed or with other hours, with their reasons", () => {
    const why = (de: string) => ({ de, en: de });
    const lines = exceptionLines(
      {
        special_days: [
          { day: "2026-12-23", hours: [{ opens: "08:00", closes: "10:00" }], note: why("short") },
          { day: "2026-12-08", hours: [], note: null },
        ],
        closures: [{ first: "2026-12-24", last: "2027-01-01", reason: why("holidays") }],
      },
      { day: (day) => day, closed: (days) => `${days} closed`, open: (day, hours) => `${day} ${hours}`, said: ({ de }) => de },
    );
    expect(lines).toEqual(["2026-12-08 closed", "2026-12-23 08:00–10:00 (short)", "2026-12-24 – 2027-01-01 closed (holidays)"]);
  });
});
