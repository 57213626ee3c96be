import { describe, expect, it } from "vitest";

import type { Figures, StatisticsRow } from "../types";
import { lastWeeks, servicesOf, sparkline, totalOf, weeksOf } from "./figures";

const figures = (serviceId: string | null, booked: number): Figures => ({
  service_id: serviceId,
  booked,
  completed: 7,
  aborted: 1,
  cancelled: 0,
  no_show: 2,
  lapsed: 0,
  walk_ins: 0,
  no_show_rate: 0.2,
  lead_hours_median: 48,
  wait_seconds_median: 120,
  talk_seconds_median: 600,
  utilisation: serviceId === null ? 0.5 : null,
});
const row = (monday: string, serviceId: string | null, booked: number): StatisticsRow => ({ ...figures(serviceId, booked), monday });
const weeks = [
  row("2026-11-16", null, 30),
  row("2026-11-09", null, 10),
  row("2026-11-09", "anmeldung", 4),
  row("2026-11-16", "personalausweis", 20),
  row("2026-11-09", "personalausweis", 6),
];
const totals = [figures(null, 40), figures("anmeldung", 4), figures("reisepass", 26), figures("personalausweis", 26)];

describe("the period", () => {
  it("is whole weeks up to the current one", () => {
    expect(lastWeeks(1, "2026-11-22")).toEqual({ from: "2026-11-16", to: "2026-11-22" });
    expect(lastWeeks(4, "2026-11-23")).toEqual({ from: "2026-11-02", to: "2026-11-29" });
  });
});

describe("figures", () => {
  it("have one series of weeks for all services, oldest first", () => {
    expect(weeksOf(weeks).map((one) => [one.monday, one.booked])).toEqual([
      ["2026-11-09", 10],
      ["2026-11-16", 30],
    ]);
  });

  it("have one line per service, the most wanted first, then as the office lists them, with the course over the weeks", () => {
    expect(servicesOf(weeks, totals, ["personalausweis", "reisepass", "anmeldung"]).map((one) => [one.serviceId, one.figures.booked, one.course])).toEqual([
      ["personalausweis", 26, [6, 20]],
      ["reisepass", 26, [0, 0]],
      ["anmeldung", 4, [4, 0]],
    ]);
  });

  it("have one total over everything", () => {
    expect(totalOf(totals)?.booked).toBe(40);
    expect(totalOf([])).toBeNull();
  });
});

describe("a sparkline", () => {
  it("fills its box from side to side", () => {
    expect(sparkline([0, 5, 10], 100, 20)).toBe("0.0,20.0 50.0,10.0 100.0,0.0");
  });

  it("bears one value and none", () => {
    expect(sparkline([3], 100, 20)).toBe("0.0,0.0");
    expect(sparkline([], 100, 20)).toBe("");
    expect(sparkline([0, 0], 10, 10)).toBe("0.0,10.0 10.0,10.0");
  });
});
