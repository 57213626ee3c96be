import { describe, expect, it } from "vitest";

import { openingLines, weekdayName } from "./hours";

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
