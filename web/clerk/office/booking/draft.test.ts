import { describe, expect, it } from "vitest";

import { EMPTY, fieldOf, matching, missing, phoneNumber, serviceCounts, toBooking, toggled, withPersons, type OfferedService } from "./draft";

const offer = (id: string, de: string, en: string, options: OfferedService["options"] = []): OfferedService =>
  ({ id, name: { de, en }, minutes: 10, options, minutes_per_further_person: 5 }) as unknown as OfferedService;

const text = { de: "", en: "" };
const ausweis = offer("personalausweis", "Personalausweis", "Identity card");
const zeugnis = offer("fuehrungszeugnis", "Führungszeugnis", "Certificate of good conduct", [
  { id: "belegart", name: text, choices: [{ id: "N", name: text }, { id: "O", name: text }] },
] as unknown as OfferedService["options"]);
const anmeldung = offer("anmeldung", "Wohnsitz anmelden", "Register an address");

describe("choosing services", () => {
  it("takes the first choice of an option, so that nothing is missing", () => {
    expect(toggled([], zeugnis)).toEqual([{ serviceId: "fuehrungszeugnis", persons: 1, options: { belegart: "N" } }]);
    expect(toggled(toggled([], zeugnis), zeugnis)).toEqual([]);
  });

  it("counts persons within the limits", () => {
    const chosen = withPersons(toggled([], ausweis), "personalausweis", 3);
    expect(serviceCounts([...chosen, ...toggled([], anmeldung)])).toEqual(["personalausweis:3", "anmeldung"]);
    expect(withPersons(chosen, "personalausweis", 99)[0]?.persons).toBe(12);
    expect(withPersons(chosen, "personalausweis", 0)[0]?.persons).toBe(1);
  });

  it("finds by words of either language, without umlauts too", () => {
    const all = [ausweis, zeugnis, anmeldung];
    expect(matching(all, "fuhr")).toEqual([zeugnis]);
    expect(matching(all, "address reg")).toEqual([anmeldung]);
    expect(matching(all, "an")[0]).toBe(anmeldung);
    expect(matching(all, " ")).toHaveLength(3);
    expect(matching(all, "auto")).toEqual([]);
  });
});

describe("a telephone number", () => {
  it.each([
    ["06221 58-000", "+49622158000"],
    ["0049 6221/58000", "+49622158000"],
    ["+41 44 668 18 00", "+41446681800"],
    ["+49 (0) 6221 58000", "+49622158000"],
  ])("%s travels as %s", (typed, number) => expect(phoneNumber(typed)).toBe(number));

  it.each(["", "112", "abc", "+0 123456"])("%s is none", (typed) => expect(phoneNumber(typed)).toBeNull());
});

describe("a booking", () => {
  const draft = { ...EMPTY, choices: toggled([], ausweis), startsAt: "2026-11-23T08:00:00Z", name: " Ada Öz ", email: "ada@example.org", phone: "06221 58000" };

  it("says what is missing, in the order of the form", () => {
    expect(missing(EMPTY)).toEqual(["services", "slot", "name", "email"]);
    expect(missing({ ...draft, phone: "12" })).toEqual(["phone"]);
    expect(missing(draft)).toEqual([]);
  });

  it("is sent without blanks around, and without a telephone number that nobody gave", () => {
    expect(toBooking(draft)).toEqual({
      services: [{ service_id: "personalausweis", persons: 1, options: {} }],
      starts_at: "2026-11-23T08:00:00Z",
      name: "Ada Öz",
      email: "ada@example.org",
      phone: "+49622158000",
      needs: [],
      plain_language: false,
      language: "de",
    });
    expect("phone" in toBooking({ ...draft, phone: "" })).toBe(false);
  });

  it("knows which field a refusal is about", () => {
    expect(fieldOf("services.0.options.belegart")).toBe("services");
    expect(fieldOf("body.email")).toBe("email");
    expect(fieldOf("starts_at")).toBe("slot");
    expect(fieldOf("time_zone")).toBeNull();
  });
});
