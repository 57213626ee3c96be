import { describe, expect, it } from "vitest";

import { booking } from "$shared/i18n/booking";
import { looksLikeEmail, looksLikePhone } from "./contact";
import { Person } from "./person.svelte";

const BERLIN = { time_zone: "Europe/Berlin" };
const WINTER = "2026-11-26T12:00:00Z";

describe("what somebody tells about themselves", () => {
  it("is not blamed before the first attempt to send", () => {
    const person = new Person();
    expect(person.shown).toEqual([]);
    person.tried = true;
    expect(person.shown.map(({ field }) => field)).toEqual(["name", "email"]);
  });

  it("shows what the service refused until it is changed", () => {
    const person = new Person();
    [person.name, person.email, person.tried] = ["Bad\u0007", "a@b.de", true];
    expect(person.refuse([{ field: "name", message: "must not contain control characters" }, { field: "starts_at", message: "?" }])).toBe(true);
    expect(person.errorOf("name")).toBe(booking.nameInvalid);
    person.typed("name");
    expect(person.shown).toEqual([]);
    expect(person.refuse([{ field: "starts_at", message: "?" }])).toBe(false);
  });

  it("names the time zone only where the clock differs at that moment", () => {
    const person = new Person(["de"]);
    expect(person.contact(BERLIN, WINTER, "Europe/Vienna")).not.toHaveProperty("time_zone");
    expect(person.contact(BERLIN, WINTER, "Asia/Kathmandu")).toMatchObject({ time_zone: "Asia/Kathmandu", language: "de", needs: [] });
    // Tunis keeps winter time: the same clock in November, another in July.
    expect(person.contact(BERLIN, WINTER, "Africa/Tunis")).not.toHaveProperty("time_zone");
    expect(person.contact(BERLIN, "2026-07-01T12:00:00Z", "Africa/Tunis")).toHaveProperty("time_zone");
  });

  it.each([
    ["a@b.de", true],
    [" a@b.de ", true],
    ["a@b", false],
    ["a b@c.de", false],
    ["", false],
  ])("takes %j for an address: %s", (address, expected) => {
    expect(looksLikeEmail(address)).toBe(expected);
  });

  it.each([
    ["0171 2345678", true],
    ["+49 (0)171 / 234-5678", true],
    ["0049 6221 58 0", true],
    ["06221 581 999", true],
    ["call me", false],
    ["12345", false],
  ])("takes %j for a telephone number: %s", (number, expected) => {
    expect(looksLikePhone(number)).toBe(expected);
  });
});
