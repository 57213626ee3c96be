import { describe, expect, it } from "vitest";

import type { ApplicationDocument, ApplicationView } from "$shared/api/types";
import { documentHash } from "$shared/document/canonical";
import { confirmability, LiveFields, liveRows } from "./application-model";

const form = {
  required: ["family_name", "belegart"],
  properties: {
    birth_date: { type: "string", format: "date", "x-order": 3, "x-label": { de: "Geburtsdatum", en: "Date of birth" } },
    family_name: { type: "string", "x-order": 1, "x-label": { de: "Familienname", en: "Family name" } },
    belegart: { oneOf: [{ const: "N", "x-label": { de: "privat", en: "private" } }], "x-order": 2, "x-label": { de: "Art", en: "Type" } },
    exempt: { type: "boolean", "x-order": 4, "x-label": { de: "Befreit", en: "Exempt" } },
  },
};
const yesNo = ["Ja", "Nein"] as const;
const rows = (values: Record<string, unknown>, live: [string, string | boolean | null][] = []) =>
  liveRows({ form, values }, new Map(live), "de", yesNo).map(({ label, text, live: isLive }) => [label, text, isLive]);

describe("live rows", () => {
  it("show filled fields and required ones still open, in the form's order", () => {
    expect(rows({ birth_date: "1964-08-12" })).toEqual([["Familienname", null, false], ["Art", null, false], ["Geburtsdatum", "12. August 1964", false]]);
  });

  it("show choices and yes or no as people read them", () => {
    expect(rows({ family_name: "M", belegart: "N", exempt: false })).toEqual([["Familienname", "M", false], ["Art", "privat", false], ["Befreit", "Nein", false]]);
  });

  it("overlay what is being typed, also what is being deleted", () => {
    expect(rows({ family_name: "Muster", belegart: "N" }, [["family_name", "Mustermann"]])[0]).toEqual(["Familienname", "Mustermann", true]);
    expect(rows({ family_name: "Muster", belegart: "N" }, [["family_name", ""]])[0]).toEqual(["Familienname", null, true]);
  });

  it("show a half-typed date as it stands", () => {
    expect(rows({}, [["birth_date", "1964-0"]]).at(-1)).toEqual(["Geburtsdatum", "1964-0", true]);
  });
});

describe("live fields", () => {
  it("end when the saved version contains them, or was saved well after them", () => {
    let now = 0;
    const live = new LiveFields(() => now);
    live.type({ application_id: "a", key: "x", value: "same" });
    live.type({ application_id: "a", key: "y", value: " trimmed by the server " });
    now = 2000;
    live.type({ application_id: "a", key: "z", value: "typed while saving" });
    live.saved({ application_id: "a", values: { x: "same", y: "trimmed by the server", z: "typed" } });
    expect([...live.of("a")]).toEqual([["z", "typed while saving"]]);
    expect(live.of("other").size).toBe(0);
  });
});

describe("confirming", () => {
  const document = { schalter: "document/1", title: "Führungszeugnis", rows: [], fee_cents: 1300 } as unknown as ApplicationDocument;
  const application = async (change: Partial<ApplicationView> = {}): Promise<ApplicationView> =>
    ({ document, document_hash: await documentHash(document), confirmed_at: null, ...change }) as ApplicationView;

  it("is possible for a complete document whose hash is the hash of what is shown", async () => {
    expect(await confirmability(await application(), 0)).toBe("ready");
    expect(await confirmability(await application({ confirmed_at: "2026-11-22T09:00:00Z" }), 0)).toBe("confirmed");
  });

  it("is refused when the hash is another one, even by one letter of the document", async () => {
    expect(await confirmability(await application({ document: { ...document, title: "Fuehrungszeugnis" } }), 0)).toBe("mismatch");
    expect(await confirmability(await application({ document_hash: null }), 0)).toBe("mismatch");
    expect(await confirmability(await application({ document: { ...document, fee_cents: 13.5 } }), 0)).toBe("mismatch");
  });

  it("waits while something is being typed or is missing", async () => {
    expect(await confirmability(await application(), 1)).toBe("filling");
    expect(await confirmability(await application({ document: null }), 0)).toBe("filling");
  });
});
