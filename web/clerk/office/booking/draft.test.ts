import { describe, expect, it, beforeAll } from "vitest";

import {
  EMPTY,
  fieldOf,
  included,
  missing,
  serviceCounts,
  toBooking,
  toggled,
  unasked,
  withAnswer,
  withKnowledge,
  withOption,
  withPersons,
  type Choice,
  type OfferedService,
} from "./draft";
import { loadPhones } from "$shared/contact/phones.svelte";

beforeAll(loadPhones);

const offer = (id: string, de: string, en: string, options: OfferedService["options"] = [], questions: readonly object[] = []): OfferedService =>
  ({ id, name: { de, en }, minutes: 10, options, questions, minutes_per_further_person: 5 }) as unknown as OfferedService;

const text = { de: "", en: "" };
const ausweis = offer("personalausweis", "Personalausweis", "Identity card", [], [
  { id: "photo", text, expected: true, otherwise: text, blocks: true, on_site: true },
  { id: "visit", text, expected: true, otherwise: text, blocks: true, on_site: false },
]);
const zeugnis = offer("fuehrungszeugnis", "Führungszeugnis", "Certificate of good conduct", [
  { id: "belegart", name: text, choices: [{ id: "N", name: text }, { id: "O", name: text }] },
] as unknown as OfferedService["options"]);
const anmeldung = offer("anmeldung", "Wohnsitz anmelden", "Register an address");

describe("choosing services", () => {
  it("chooses no option for somebody who was not asked", () => {
    expect(toggled([], zeugnis)).toMatchObject([{ serviceId: "fuehrungszeugnis", persons: 1, options: {}, answers: {} }]);
    expect(toggled(toggled([], zeugnis), zeugnis)).toEqual([]);
  });

  it("asks the same questions and options as the citizens' page", () => {
    const fields = (choices: readonly Choice[]): string[] => unasked(choices, [ausweis, zeugnis]).map(({ field }) => field);
    const both = toggled(toggled([], ausweis), zeugnis);
    expect(fields(both)).toEqual(["question-personalausweis-photo", "question-personalausweis-visit", "option-fuehrungszeugnis-belegart"]);
    const asked = withOption(withAnswer(withAnswer(both, "personalausweis", "photo", true), "personalausweis", "visit", true), "fuehrungszeugnis", "belegart", "O");
    expect(fields(asked)).toEqual([]);
    expect(included(asked, [ausweis, zeugnis])).toEqual(asked);
  });

  it("leaves out what the call cannot finish, but for what a visit settles when the person knows", () => {
    const answered = (question: string) => withAnswer(toggled([], ausweis), "personalausweis", question, false);
    const knowing = withKnowledge(answered("photo"), "personalausweis", true);
    expect(included(answered("photo"), [ausweis])).toEqual([]);
    expect(included(knowing, [ausweis])).toHaveLength(1);
    expect(unasked(knowing, [ausweis]).map(({ field }) => field)).toEqual(["question-personalausweis-visit"]);
    expect(included(withKnowledge(answered("visit"), "personalausweis", true), [ausweis])).toEqual([]);
    expect(included(withAnswer(knowing, "personalausweis", "visit", true), [ausweis])).toEqual([]);
  });

  it("counts persons within the limits", () => {
    const chosen = withPersons(toggled([], ausweis), "personalausweis", 3);
    expect(serviceCounts([...chosen, ...toggled([], anmeldung)])).toEqual(["personalausweis:3", "anmeldung"]);
    expect(withPersons(chosen, "personalausweis", 99)[0]?.persons).toBe(12);
    expect(withPersons(chosen, "personalausweis", 0)[0]?.persons).toBe(1);
  });
});

describe("a booking", () => {
  const draft = { ...EMPTY, choices: toggled([], ausweis), startsAt: "2026-11-23T08:00:00Z", name: " Ada Öz ", email: "ada@example.org", phone: " 06221 58000" };

  it("says what is missing, in the order of the form", () => {
    expect(missing(EMPTY)).toEqual(["services", "slot", "name", "email"]);
    expect(missing({ ...draft, phone: "12" })).toEqual(["phone"]);
    expect(missing({ ...draft, phone: "112" })).toEqual(["phone"]);
    expect(missing({ ...draft, name: "Ada\u202e\u00d6z" })).toEqual(["name"]);
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
