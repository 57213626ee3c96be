import { describe, expect, it } from "vitest";

import { distance, fold, stem } from "./words";

describe("words as people type them", () => {
  it.each([
    ["Führungszeugnis", "Fuehrungszeugnis"],
    ["STRASSE", "straße"],
    ["Kfz-Kennzeichen", "kfz  kennzeichen"],
    ["Résumé", "resume"],
  ])("%s and %s are one", (one, other) => expect(fold(one)).toBe(fold(other)));

  it("keeps ue where it is no umlaut", () => expect(fold("neue Steuer")).toBe("neue steuer"));

  it.each([
    ["verlängern", "Verlängerung"],
    ["expired", "expires"],
    ["Kinder", "Kind"],
  ])("%s and %s have one stem", (one, other) => expect(stem(fold(one))).toBe(stem(fold(other))));

  it.each([
    ["ausweiss", "ausweis", 1],
    ["pasport", "passport", 1],
    ["umzgu", "umzug", 1],
    ["perso", "pizza", 3],
    ["a", "abcdef", 3],
  ])("%s and %s are %i apart, or more than two", (one, other, apart) => expect(distance(one, other, 2)).toBe(apart));
});
