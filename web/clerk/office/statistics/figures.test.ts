import { describe, expect, it } from "vitest";

import type { StatisticsRow } from "../types";
import { lastWeeks, noShowRate, servicesOf, sparkline, totalsOf, weeksOf } from "./figures";

const row = (monday: string, serviceId: string | null, changes: Partial<StatisticsRow> = {}): StatisticsRow => ({
  monday,
  service_id: serviceId,
  booked: 10,
  completed: 7,
  aborted: 1,
  cancelled: 0,
  no_show: 2,
  no_show_rate: 0.2,
  lead_hours_median: 48,
  wait_seconds_median: 120,
  talk_seconds_median: 600,
  utilisation: 0.5,
  ...changes,
});
const NOTHING = { completed: 0, aborted: 0, no_show: 0, lead_hours_median: null, wait_seconds_median: null, talk_seconds_median: null, utilisation: null };
const rows = [
  row("2026-11-16", null, { booked: 30, utilisation: 0.7 }),
  row("2026-11-09", null, { booked: 10, lead_hours_median: 100, utilisation: 0.3 }),
  row("2026-11-09", "anmeldung", { booked: 4 }),
  row("2026-11-16", "personalausweis", { booked: 20, wait_seconds_median: 60 }),
  row("2026-11-09", "personalausweis", { booked: 6, wait_seconds_median: 300 }),
];

describe("the period", () => {
  it("is whole weeks up to the current one", () => {
    expect(lastWeeks(1, "2026-11-22")).toEqual({ from: "2026-11-16", to: "2026-11-22" });
    expect(lastWeeks(4, "2026-11-23")).toEqual({ from: "2026-11-02", to: "2026-11-29" });
  });
});

describe("figures", () => {
  it("have one series of weeks for all services, oldest first", () => {
    expect(weeksOf(rows).map((one) => one.monday)).toEqual(["2026-11-09", "2026-11-16"]);
  });

  it("have one line per service, the most wanted first, with the course over the weeks", () => {
    expect(servicesOf(rows, []).map((one) => [one.serviceId, one.booked, one.course])).toEqual([
      ["personalausweis", 26, [6, 20]],
      ["anmeldung", 4, [4, 0]],
    ]);
  });

  it("let a week weigh as much as it had appointments", () => {
    expect(servicesOf(rows, [])[0]?.waitSeconds).toBe(60);
    expect(totalsOf(rows)).toMatchObject({ booked: 40, utilisation: 0.5, leadHours: 48 });
  });

  it("count a missed appointment among those whose time has come", () => {
    expect(noShowRate([row("2026-11-09", null)])).toBe(0.2);
    expect(noShowRate([row("2026-11-09", null, NOTHING)])).toBeNull();
  });

  it("say nothing where nothing is known", () => {
    expect(totalsOf([row("2026-11-09", null, { ...NOTHING, booked: 0 })])).toEqual({
      booked: 0,
      utilisation: null,
      noShowRate: null,
      leadHours: null,
      waitSeconds: null,
    });
    expect(totalsOf([])).toMatchObject({ booked: 0, utilisation: null });
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
