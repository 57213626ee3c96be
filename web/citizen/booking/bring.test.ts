import { describe, expect, it } from "vitest";

import { service } from "../testing";
import { allThings, optionsOf, thingsToBring } from "$shared/booking/bring";

const word = (text: string) => ({ de: text, en: text });
const certificate = service("certificate", {
  bring: [word("card")],
  options: [
    { id: "type", name: word("type"), choices: [{ id: "N", name: word("private"), bring: [] }, { id: "O", name: word("authority"), bring: [word("address")] }] },
    { id: "scope", name: word("scope"), preselected: "national", choices: [{ id: "national", name: word("national"), bring: [] }, { id: "eu", name: word("eu"), bring: [word("passport")] }] },
  ],
});
const things = (options: Record<string, string>): string[] => thingsToBring(certificate, options).map(({ en }) => en);

describe("what to have ready", () => {
  it("follows the options chosen", () => {
    expect(things({ type: "N" })).toEqual(["card"]);
    expect(things({ type: "O" })).toEqual(["card", "address"]);
    expect(things({ type: "O", scope: "eu" })).toEqual(["card", "address", "passport"]);
  });

  it("names the choice of what nobody has chosen yet; what is preselected counts as chosen", () => {
    expect(things({})).toEqual(["card", "authority: address"]);
    expect(optionsOf(certificate, { type: "O" })).toEqual({ scope: "national", type: "O" });
  });

  it("is said once for several services, and for each person unless they share a form", () => {
    const twice = { service: certificate, options: { type: "O" }, persons: 1 };
    expect(allThings([twice, twice])).toEqual({ things: [word("card"), word("address")], each: false });
    expect(allThings([{ ...twice, persons: 2 }]).each).toBe(true);
    expect(allThings([{ ...twice, service: { ...certificate, one_form: true }, persons: 2 }]).each).toBe(false);
  });
});
