import { describe, expect, it } from "vitest";

import { moveAddress } from "./address";

describe("the link to move an appointment", () => {
  it.each([
    ["2026-11-30T22:30:00Z", "Europe/Berlin", "2026-11-30"],
    ["2026-11-30T23:30:00Z", "Europe/Berlin", "2026-12-01"],
    ["2026-07-31T22:30:00Z", "Europe/Berlin", "2026-08-01"],
    ["2026-11-30T01:30:00Z", "America/New_York", "2026-11-29"],
  ])("leads to the office's day (%s in %s)", (starts_at, zone, day) => {
    expect(moveAddress({ appointment_id: "a-1", starts_at }, zone)).toBe(`/clerk/week?day=${day}&move=a-1`);
  });
});
