import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";
import { softened } from "./seams";

const CATALOGUE = join(import.meta.dirname, "../../../libs/contracts/src/contracts/services");
const seams = (word: string): string => softened(word).replaceAll("\u00ad", "·");

it("breaks compounds where their parts meet", () => {
  expect(seams("Untersuchungsberechtigungsschein")).toBe("Untersuchungs·berechtigungs·schein");
  expect(seams("Staatsangehörigkeit")).toBe("Staats·angehörigkeit");
  expect(seams("Bundeszentralregister")).toBe("Bundes·zentral·register");
});

it("leaves short words and other languages alone", () => {
  const text = "Reisepass, Führungszeugnis, examination voucher";
  expect(softened(text)).toBe(text);
});

it("knows a seam in every long word of the catalogue", () => {
  const words = readdirSync(CATALOGUE)
    .filter((name) => name.endsWith(".toml"))
    .flatMap((name) => [...readFileSync(join(CATALOGUE, name), "utf8").matchAll(/\bde = "([^"]*)"/g)])
    .flatMap(([, text]) => text?.match(/\p{L}{18,}/gu) ?? []);
  expect(words.length).toBeGreaterThan(5);
  const hard = new Set(words.filter((word) => seams(word).split("·").some((part) => part.length > 16)));
  expect([...hard]).toEqual([]);
});
