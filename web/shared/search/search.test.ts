import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";

import { search, type Searchable } from "./search";
import phrases from "./phrases.json";

const FILES = fileURLToPath(new URL("../../../libs/contracts/src/contracts/services/", import.meta.url));
const catalogue = readdirSync(FILES)
  .filter((name) => name.endsWith(".toml"))
  .map((name) => parse(readFileSync(FILES + name, "utf8")) as Partial<Searchable>)
  .map((service) => ({ options: [], ...service }) as Searchable);

/** A hundred questions at once, on a machine that may be busy. */
const PATIENCE_MS = 60_000;
const found = (typed: string): string[] => search(catalogue, typed).map(({ id }) => id);
const missed = (list: readonly { typed: string; right: string[] }[]): string[] =>
  list.filter(({ typed, right }) => !found(typed).slice(0, 2).some((id) => right.includes(id))).map(({ typed }) => `${typed} -> ${found(typed).slice(0, 3).join(", ")}`);

describe("searching the catalogue", () => {
  it("finds the right service first or second for 95 of the 100 phrases that people type", { timeout: PATIENCE_MS }, () => {
    expect(phrases.de.length + phrases.en.length).toBe(100);
    const all = [...missed(phrases.de), ...missed(phrases.en)];
    expect(all.length, all.join("\n")).toBeLessThanOrEqual(5);
  });

  it("finds something for every example that stands in the empty field", () => {
    for (const hint of ["Umzug, Pass, Führungszeugnis", "moving house, passport, certificate"])
      for (const example of hint.split(", ")) expect(found(example), example).not.toEqual([]);
  });

  it("finds every service first by its own name, and with an error in it", { timeout: PATIENCE_MS }, () => {
    for (const { id, name } of catalogue)
      for (const text of [name.de, name.en]) {
        expect(found(text)[0], text).toBe(id);
        const mistyped = text.slice(0, 4) + text.slice(5);
        expect(found(mistyped).slice(0, 2), mistyped).toContain(id);
      }
  });

  it("shows everything before there is a word to search for", () => {
    for (const typed of ["", "  ", "p", "-"]) expect(found(typed)).toEqual(catalogue.map(({ id }) => id));
  });

  it.each(phrases.nothing)("finds nothing for %s", (typed) => {
    expect(found(typed)).toEqual([]);
  });
});
