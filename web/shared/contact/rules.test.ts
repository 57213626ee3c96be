import { expect, it } from "vitest";

import { looksLikeEmail } from "./rules";

it.each([
  ["a@b.de", true],
  [" a@b.de ", true],
  ["a@b", false],
  ["a b@c.de", false],
  ["", false],
])("takes %j for an address: %s", (address, expected) => {
  expect(looksLikeEmail(address)).toBe(expected);
});
