import { describe, expect, it } from "vitest";

import { joinable } from "./model";

describe("the waiting room", () => {
  const appointment = { state: "booked", awaited: false, joinable_from: "2026-11-26T12:45:00Z" } as const;
  const at = (time: string): number => Date.parse(`2026-11-26T${time}Z`);

  it("is open for who came late, whoever has their time by now", () => {
    expect(joinable({ ...appointment, state: "lapsed" }, at("18:00:00"))).toBe(false);
    expect(joinable({ ...appointment, state: "lapsed", awaited: true }, at("18:00:00"))).toBe(true);
  });

  it("opens at the moment that the service names and stays open for those who come late", () => {
    expect(joinable(appointment, at("12:44:59"))).toBe(false);
    expect(joinable(appointment, at("12:45:00"))).toBe(true);
    expect(joinable(appointment, at("18:00:00"))).toBe(true);
  });

  it("is closed for a cancelled appointment", () => {
    expect(joinable({ ...appointment, state: "cancelled" }, at("13:00:00"))).toBe(false);
  });
});
