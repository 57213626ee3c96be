import { describe, expect, it } from "vitest";

import { canonicalJson, documentHash } from "./canonical";

describe("canonical JSON", () => {
  it("sorts keys at every depth and writes no whitespace", () => {
    expect(canonicalJson({ b: [{ z: 1, a: null }], a: "x" })).toBe('{"a":"x","b":[{"a":null,"z":1}]}');
  });

  it("does not depend on the order in which keys were set", () => {
    expect(canonicalJson({ rows: [], fee_cents: 1300 })).toBe(canonicalJson({ fee_cents: 1300, rows: [] }));
  });

  it("keeps umlauts as they are and escapes only what JSON must", () => {
    expect(canonicalJson({ title: 'Führungs"zeugnis"\n' })).toBe('{"title":"Führungs\\"zeugnis\\"\\n"}');
  });

  it("sorts by code point, as Python does", () => {
    expect(canonicalJson({ "\u{1F600}": 1, "\uFFFD": 2 })).toBe('{"\uFFFD":2,"\u{1F600}":1}');
  });

  it.each([1.5, NaN, Infinity, 2 ** 53, undefined])("refuses %s", (value) => {
    expect(() => canonicalJson({ value })).toThrow(TypeError);
  });
});

describe("document hash", () => {
  it("is the SHA-256 of the canonical bytes", async () => {
    // printf '{"fee_cents":1300,"title":"Führungszeugnis"}' | sha256sum
    expect(await documentHash({ title: "Führungszeugnis", fee_cents: 1300 })).toBe("4ab31c4a2b87a633f2e841987ec24cf1bbb85d8649d1305383769299f672217b");
  });

  it("changes with any value shown", async () => {
    expect(await documentHash({ fee_cents: 1300 })).not.toBe(await documentHash({ fee_cents: 1301 }));
  });
});
