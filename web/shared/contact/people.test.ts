import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";

import { codePoint, invisible, oneLine } from "./characters";
import { cleanEmail } from "./email";
import { loadPhones, phoneFault, phoneOf, sentPhone, shownPhone } from "./phones.svelte";
import { looksLikeEmail } from "./rules";
import { invisibleWords, phoneWords } from "./words";

interface Example {
  readonly typed: string;
  readonly kept?: string;
  readonly refused?: string;
  readonly character?: string;
  readonly country?: string;
  readonly shown?: string;
}

/** The service's own examples: what it keeps and refuses, the forms know before it is asked. */
const examples = JSON.parse(readFileSync(new URL("../../../libs/contracts/tests/people.json", import.meta.url), "utf-8")) as Record<"names" | "emails" | "phones", readonly Example[]>;

describe("a name", () => {
  it.each(examples.names)("$typed", ({ typed, kept, character }) => {
    const found = invisible(typed);
    expect(found === null ? null : codePoint(found)).toBe(character === undefined ? null : (/U\+[0-9A-F]+/.exec(character)?.[0] ?? "?"));
    expect(invisibleWords(typed) === null).toBe(character === undefined);
    if (character === undefined) expect(oneLine(typed)).toBe(kept ?? "");
  });
});

describe("an e-mail address", () => {
  it.each(examples.emails)("$typed", ({ typed, kept }) => {
    expect(looksLikeEmail(typed)).toBe(kept !== undefined);
    if (kept !== undefined) expect(cleanEmail(typed)).toBe(kept);
  });
});

describe("a telephone number", () => {
  beforeAll(loadPhones);

  it.each(examples.phones.filter(({ typed }) => typed !== ""))("$typed", ({ typed, kept, refused, country, shown }) => {
    expect(phoneFault(typed)).toBe(refused ?? null);
    expect(phoneOf(typed)).toEqual(kept === undefined ? null : expect.objectContaining({ e164: kept, country, shown }));
    if (kept !== undefined) expect(sentPhone(typed)).toBe(kept);
  });

  it("of a service is shown in groups, and as it came when it is none", () => {
    expect(["+49622158000", "+491712345678", "none"].map(shownPhone)).toEqual(["+49 6221 58000", "+49 171 2345678", "none"]);
  });

  it("is nothing when it is left out", () => {
    expect([phoneFault(" "), phoneOf(" "), sentPhone(" ")]).toEqual([null, null, ""]);
  });

  it("is shown with its country", () => {
    expect(["079 123 45 67", "+41 79 123 45 67"].map((typed) => phoneWords(phoneOf(typed)!))).toEqual(["+49 791 234567 (Deutschland)", "+41 79 123 45 67 (Schweiz)"]);
  });
});
