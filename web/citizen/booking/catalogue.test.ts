import { describe, expect, it } from "vitest";

import { question, service } from "../testing";
import { appointmentMinutes, counted, groupsOf, search } from "./catalogue";
import { feeRange, feeText, possibleFees, totalRange } from "./fees";
import { blockOf, missingAnswers } from "./readiness";

const ids = (found: readonly { id: string }[]): string[] => found.map(({ id }) => id);
const fee = (amount_cents: number, more: object = {}) => ({ amount_cents, ...more });

describe("the catalogue", () => {
  const passport = service("reisepass", { category: "identity", name: { de: "Reisepass", en: "Passport" } });
  const move = service("anmeldung", {
    category: "residence",
    name: { de: "Anmeldung", en: "Registration" },
    summary_plain: { de: "Sie sind umgezogen? Der Umzug über die Straße zählt auch.", en: "You have moved?" },
  });
  const key = service("schluessel", { category: "advice", name: { de: "Schlüssel für den Pass", en: "Key" } });

  it("is shown in groups in a fixed order", () => {
    expect(groupsOf([key, move, passport]).map(({ category }) => category)).toEqual(["identity", "residence", "advice"]);
  });

  it("is searched in both languages and all texts, whatever the spelling; names come first", () => {
    const all = [move, key, passport];
    expect(ids(search(all, "PASS"))).toEqual(["schluessel", "reisepass"]);
    expect(ids(search(all, "umzug"))).toEqual(["anmeldung"]);
    expect(ids(search(all, "schluessel"))).toEqual(["schluessel"]);
    expect(ids(search(all, "strasse umgezogen"))).toEqual(["anmeldung"]);
    expect(ids(search(all, "passport"))).toEqual(["reisepass"]);
    expect(search(all, "  ")).toBe(all);
    expect(search(all, "zeppelin")).toEqual([]);
  });
});

describe("the length of an appointment", () => {
  const card = service("card", { minutes: 15, shared_minutes: 5, minutes_per_further_person: 8 });
  const certificate = service("certificate", { minutes: 5, shared_minutes: 2 });

  it("adds up, counts what is shared once, and further people", () => {
    expect(appointmentMinutes([])).toBe(0);
    expect(appointmentMinutes([{ service: certificate, persons: 1 }])).toBe(5);
    expect(appointmentMinutes([{ service: card, persons: 3 }])).toBe(31);
    expect(appointmentMinutes([{ service: card, persons: 2 }, { service: certificate, persons: 1 }])).toBe(15 + 8 + 5 - 2);
  });

  it("is asked for by names and numbers of people", () => {
    expect([counted({ service: card, persons: 2 }), counted({ service: certificate, persons: 1 })]).toEqual(["card:2", "certificate"]);
  });
});

describe("fees in words", () => {
  const words = { free: "free", sometimesFree: "free in some cases", range: (from: string, to: string) => `${from} to ${to}` };
  const text = (...fees: number[]): string => feeText(feeRange({ fees: fees.map((amount) => fee(amount)) }), String, words);

  it("says free, one amount, a range, and exemptions", () => {
    expect(text()).toBe("free");
    expect(text(0)).toBe("free");
    const aged = [fee(2760, { age_below: 24 }), fee(4600, { age_from: 24 })];
    expect(feeText(feeRange({ fees: aged }), String, words)).toBe("2760 to 4600");
    expect(feeText(feeRange({ fees: [fee(0, { when: { exemption: "means" } }), fee(1300)] }), String, words)).toBe("1300, free in some cases");
  });

  it("follows the options: of several rules the first that fits counts", () => {
    const fees = [fee(10200, { when: { speed: "express" } }), fee(3750, { age_below: 24 }), fee(7000)];
    const amounts = (options: Record<string, string>): number[] => possibleFees(fees, options).map(({ amount_cents }) => amount_cents);
    expect(amounts({})).toEqual([10200, 3750, 7000]);
    expect(amounts({ speed: "express" })).toEqual([10200]);
    expect(amounts({ speed: "normal" })).toEqual([3750, 7000]);
  });

  it("adds up several services and people; a family with one form pays once", () => {
    const items = [
      { service: { fees: [fee(1300)] } },
      { service: { fees: [fee(2760, { age_below: 24 }), fee(4600)] }, persons: 2 },
      { service: { fees: [fee(500)], one_form: true }, persons: 4 },
      { service: { fees: [] } },
    ];
    expect(totalRange(items)).toEqual({ least: 1300 + 5520 + 500, most: 1300 + 9200 + 500, sometimesFree: false });
  });
});

describe("readiness", () => {
  const asked = service("a", { questions: [question("q"), question("b", true)], options: [{ id: "o", name: { de: "o", en: "o" }, choices: [] }] });
  const answers = (given: Record<string, boolean>) => (_: string, id: string) => given[id];

  it("names what is still unanswered, in the order of the page", () => {
    const fields = (given: Record<string, boolean>, option?: string) => missingAnswers([asked], answers(given), () => option).map(({ field }) => field);
    expect(fields({})).toEqual(["question-a-q", "question-a-b", "option-a-o"]);
    expect(fields({ q: false, b: true }, "N")).toEqual([]);
  });

  it("is over with a wrong answer that blocks, and only with that", () => {
    expect(blockOf(asked, answers({ q: false, b: true }))).toBeNull();
    expect(blockOf(asked, answers({ b: false }))?.id).toBe("b");
    expect(missingAnswers([asked], answers({ b: false }), () => undefined)).toEqual([]);
  });
});
