import { describe, expect, it } from "vitest";

import { applicable, changedKeys, fieldsOf, openErrors, parseDate, parsed, sameValue, shown, type FormSchema } from "./form";

const label = (de: string, en: string) => ({ de, en });

/** The shape of the catalogue's forms, small. */
const SCHEMA: FormSchema = {
  type: "object",
  required: ["kind", "birth_date"],
  properties: {
    purpose: { type: "string", maxLength: 200, "x-order": 4, "x-label": label("Verwendungszweck", "Purpose") },
    kind: {
      type: "string",
      "x-order": 1,
      "x-label": label("Belegart", "Type"),
      oneOf: [
        { const: "N", "x-label": label("N – privat", "N – private") },
        { const: "O", "x-label": label("O – Behörde", "O – authority") },
      ],
    },
    birth_date: { type: "string", format: "date", "x-order": 2, "x-label": label("Geburtsdatum", "Date of birth") },
    height_cm: { type: "integer", "x-order": 3, "x-label": label("Größe", "Height") },
    address: { type: "string", "x-multiline": true, "x-order": 5, "x-label": label("Anschrift", "Address") },
  },
  if: { required: ["kind"], properties: { kind: { enum: ["O"] } } },
  then: { required: ["purpose"] },
  else: { properties: { purpose: false } },
};

const keys = (values: Record<string, string>): string[] => fieldsOf(SCHEMA, values, "de", "de").map((field) => field.key);

describe("a form from JSON Schema", () => {
  it("sorts by x-order and chooses a control for each field", () => {
    const fields = fieldsOf(SCHEMA, { kind: "O" }, "de", "de");
    expect(fields.map((field) => [field.key, field.control])).toEqual([
      ["kind", "choice"],
      ["birth_date", "date"],
      ["height_cm", "number"],
      ["purpose", "text"],
      ["address", "longtext"],
    ]);
  });

  it("names fields in the clerk's language, and in the citizen's when that is another", () => {
    expect(fieldsOf(SCHEMA, {}, "de", "en")[0]).toMatchObject({ label: "Belegart", citizenLabel: "Type" });
    expect(fieldsOf(SCHEMA, {}, "de", "de")[0]).toMatchObject({ label: "Belegart", citizenLabel: null });
    expect(fieldsOf(SCHEMA, {}, "en", "de")[0]?.choices[0]).toEqual({ value: "N", label: "N – private" });
  });

  it("shows and requires fields as the other answers want it", () => {
    expect(keys({ kind: "N" })).not.toContain("purpose");
    expect(keys({ kind: "O" })).toContain("purpose");
    const required = fieldsOf(SCHEMA, { kind: "O" }, "de", "de").filter((field) => field.required);
    expect(required.map((field) => field.key)).toEqual(["kind", "birth_date", "purpose"]);
  });

  it("holds back the answer of a field that does not apply, without losing it", () => {
    const values = { kind: "N", purpose: "Verein" };
    expect(applicable(SCHEMA, values)).toEqual({ kind: "N" });
    expect(applicable(SCHEMA, { ...values, kind: "O" })).toEqual({ kind: "O", purpose: "Verein" });
  });
});

describe("what is still open", () => {
  const open = (values: Record<string, string>, said: { field: string; code: string }[] = []): string[] =>
    openErrors(fieldsOf(SCHEMA, values, "de", "de"), values, said).map((error) => `${error.field}:${error.code}`);

  it("is every empty required field, before anything was saved", () => {
    expect(open({})).toEqual(["kind:required", "birth_date:required"]);
    expect(open({ kind: "O" })).toEqual(["birth_date:required", "purpose:required"]);
  });

  it("forgets a gap once something is typed there, and keeps what the server found wrong", () => {
    const said = [{ field: "kind", code: "required" }, { field: "birth_date", code: "format" }];
    expect(open({ kind: "N", birth_date: "31.4." }, said)).toEqual(["birth_date:format"]);
  });
});

describe("what is typed", () => {
  it.each([
    ["1.4.1990", "1990-04-01"],
    ["01041990", "1990-04-01"],
    ["1/4/1990", "1990-04-01"],
    ["1990-04-01", "1990-04-01"],
    ["31.4.1990", null],
    ["29.2.2023", null],
    ["29.2.2024", "2024-02-29"],
    ["gestern", null],
  ])("reads the date %s", (text, iso) => {
    expect(parseDate(text)).toBe(iso);
  });

  it("keeps what does not parse as it is, and an emptied field as no answer", () => {
    expect(parsed("date", "31.4.")).toBe("31.4.");
    expect(parsed("number", "181")).toBe(181);
    expect(parsed("number", "1,81")).toBe("1,81");
    expect(parsed("text", "  ")).toBeNull();
    expect(parsed("text", "Anna ")).toBe("Anna ");
  });

  it("shows dates as the language writes them", () => {
    expect(shown("date", "1990-04-01", "de")).toBe("01.04.1990");
    expect(shown("date", "1990-04-01", "en")).toBe("01/04/1990");
    expect(shown("date", "1.4.", "de")).toBe("1.4.");
    expect(shown("number", null, "de")).toBe("");
  });

  it("takes texts that differ in surrounding space or Unicode form as the same", () => {
    expect(sameValue("Anna ", "Anna")).toBe(true);
    expect(sameValue("Mu\u0308ller", "Müller")).toBe(true);
    expect(sameValue("", null)).toBe(true);
    expect(sameValue(0, null)).toBe(false);
    expect(changedKeys({ a: "x", b: 1 }, { a: "x ", b: 2, c: null })).toEqual(["b"]);
  });
});
