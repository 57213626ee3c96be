import { describe, expect, it } from "vitest";

import { loadPhones } from "$shared/contact/phones.svelte";
import { address } from "$shared/i18n/address";
import { booking } from "$shared/i18n/booking";
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
    [person.name, person.email, person.tried] = ["Erika", "a@b.de", true];
    expect(person.refuse([{ field: "name", message: "is no name", code: "value_error" }, { field: "starts_at", message: "?", code: "" }])).toBe(true);
    expect(person.errorOf("name")).toBe(booking.nameInvalid);
    person.typed("name");
    expect(person.shown).toEqual([]);
    expect(person.refuse([{ field: "starts_at", message: "?", code: "" }])).toBe(false);
  });

  it("says which character nobody sees, and what is wrong with a number", async () => {
    await loadPhones();
    const person = new Person();
    [person.name, person.email, person.phone, person.tried] = ["Erika\u202eM", "a@b.de", "112", true];
    expect(person.errorOf("name")).toContain("U+202E");
    expect(person.errorOf("phone")).toBe(address.phoneService);
    [person.name, person.phone] = ["Erika M", "581 999"];
    expect(person.shown).toEqual([{ field: "phone", message: address.phoneIncomplete }]);
  });

  it("takes the service's word for a number that looks right here", () => {
    const person = new Person();
    [person.name, person.email, person.phone, person.tried] = ["Erika M", "a@b.de", "+41 117", true];
    person.refuse([{ field: "phone", message: "is an emergency or service number", code: "phone_service" }]);
    expect(person.errorOf("phone")).toBeDefined();
    person.phone = "";
    person.typed("phone");
    expect(person.shown).toEqual([]);
  });

  it("sends what is kept: one form of the name, the address as meant, the number as it was shown", async () => {
    await loadPhones();
    const person = new Person(["de"]);
    [person.name, person.email, person.phone] = ["  Ame\u0301lie \u00a0 M ", "\u200ba @ b.de", "+41 79 123 45 67"];
    expect(person.contact(BERLIN, WINTER, "Europe/Berlin")).toMatchObject({ name: "Am\u00e9lie M", email: "a@b.de", phone: "+41791234567" });
  });

  it("names the time zone only where the clock differs at that moment", () => {
    const person = new Person(["de"]);
    expect(person.contact(BERLIN, WINTER, "Europe/Vienna")).not.toHaveProperty("time_zone");
    expect(person.contact(BERLIN, WINTER, "Asia/Kathmandu")).toMatchObject({ time_zone: "Asia/Kathmandu", language: "de", needs: [] });
    // Tunis keeps winter time: the same clock in November, another in July.
    expect(person.contact(BERLIN, WINTER, "Africa/Tunis")).not.toHaveProperty("time_zone");
    expect(person.contact(BERLIN, "2026-07-01T12:00:00Z", "Africa/Tunis")).toHaveProperty("time_zone");
  });
});
