import { describe, expect, it } from "vitest";

import { question, service } from "../testing";
import { appointmentMinutes, counted, groupsOf } from "./catalogue";
import { feeRange, feeText, possibleFees, pricesOf, totalRange } from "./fees";
import { blockOf, missingAnswers } from "$shared/booking/readiness";

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
  const who = (name: string) => ({ de: name, en: name });
  const words = { free: "free", freeFor: (list: readonly { de: string }[]) => `free ${list.map(({ de }) => de).join(" or ")}`, range: (from: string, to: string) => `${from} to ${to}` };
  const poor = { ...fee(0, { when: { exemption: "means" } }), exempt: who("for the poor") };
  const text = (...fees: number[]): string => feeText(feeRange({ fees: fees.map((amount) => fee(amount)) }), String, words);

  it("says free, one amount, a range, and exemptions", () => {
    expect(text()).toBe("free");
    expect(text(0)).toBe("free");
    const aged = [fee(2760, { age_below: 24 }), fee(4600, { age_from: 24 })];
    expect(feeText(feeRange({ fees: aged }), String, words)).toBe("2760 to 4600");
    expect(feeText(feeRange({ fees: [poor, fee(1300)] }), String, words)).toBe("1300, free for the poor");
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
    expect(totalRange(items)).toEqual({ least: 1300 + 5520 + 500, most: 1300 + 9200 + 500, exempt: [] });
  });

  it("says of a sum that it can be free only if all of it can, and for whom", () => {
    const total = (...services: { readonly fees: readonly object[] }[]): string => feeText(totalRange(services.map((one) => ({ service: one as never }))), String, words);
    const certificate = { fees: [poor, fee(1300)] };
    const extended = { fees: [{ ...poor, exempt: who("for volunteers") }, ...certificate.fees] };
    const card = { fees: [fee(4600)] };
    const pension = { fees: [{ ...poor, exempt: who("for a pension") }, fee(500)] };
    const free = { fees: [] };
    expect(total(certificate)).toBe("1300, free for the poor");
    expect(total(extended)).toBe("1300, free for volunteers or for the poor");
    expect(total(certificate, card)).toBe("5900");
    expect(total(certificate, extended)).toBe("2600, free for the poor");
    expect(total(certificate, pension)).toBe("1800");
    expect(total(certificate, free)).toBe("1300, free for the poor");
  });

  it("says no more that it can be free once the choice excludes it", () => {
    const pension = { fees: [{ ...fee(0, { when: { purpose: "state" } }), exempt: who("for a pension") }, fee(500)] };
    const text = (options: Record<string, string>): string => feeText(feeRange(pension, options), String, words);
    expect([text({}), text({ purpose: "other" }), text({ purpose: "state" })]).toEqual(["500, free for a pension", "500", "free"]);
  });

  it("states what a choice costs where the choice changes that", () => {
    const options = [{ id: "scope", name: who("scope"), choices: ["national", "european"].map((id) => ({ id, name: who(id), bring: [] })) }];
    const certificate = { fees: [poor, fee(1700, { when: { scope: "european" } }), fee(1300)], options };
    const prices = pricesOf(certificate, {}, "scope", 2);
    expect(Object.values(prices!).map((range) => feeText(range, String, words))).toEqual(["2600", "3400"]);
    expect(pricesOf({ ...certificate, fees: [fee(1300)] }, {}, "scope", 1)).toBeNull();
  });
});

describe("readiness", () => {
  const asked = service("a", { questions: [question("q"), question("b", true)], options: [{ id: "o", name: { de: "o", en: "o" }, choices: [] }] });
  const answers = (given: Record<string, boolean>) => (_: string, id: string) => given[id];

  it("names what is still unanswered, in the order of the page", () => {
    const fields = (given: Record<string, boolean>, o?: string) => missingAnswers([asked], answers(given), () => (o ? { o } : undefined)).map(({ field }) => field);
    expect(fields({})).toEqual(["question-a-q", "question-a-b", "option-a-o"]);
    expect(fields({ q: false, b: true }, "N")).toEqual([]);
  });

  it("is over with a wrong answer that blocks, and only with that", () => {
    expect(blockOf(asked, answers({ q: false, b: true }))).toBeNull();
    expect(blockOf(asked, answers({ b: false }))?.id).toBe("b");
    expect(missingAnswers([asked], answers({ b: false }), () => undefined)).toEqual([]);
  });

  it("can be waived by a clerk where a visit to the office suffices, and only there", () => {
    const visit = service("v", { questions: [{ ...question("b", true), on_site: true }], options: asked.options });
    expect(blockOf(visit, answers({ b: false }))?.id).toBe("b");
    expect(blockOf(visit, answers({ b: false }), () => true)).toBeNull();
    expect(blockOf(asked, answers({ b: false }), () => true)?.id).toBe("b");
    expect(missingAnswers([visit], answers({ b: false }), () => undefined, () => true).map(({ field }) => field)).toEqual(["option-v-o"]);
  });
});
