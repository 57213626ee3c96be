import { expect, it } from "vitest";

import { Intent } from "./intent";

it("keeps its key while the same thing is tried again, and takes a new one for anything else", () => {
  const intent = new Intent();
  const first = intent.key({ slot: "10:00", name: "Mara" });
  expect(intent.key({ slot: "10:00", name: "Mara" })).toBe(first);
  const second = intent.key({ slot: "10:15", name: "Mara" });
  expect(second).not.toBe(first);
  expect(intent.key({ slot: "10:00", name: "Mara" })).not.toBe(first);
});

it("is another one after it was done, even with the same content", () => {
  const intent = new Intent();
  const first = intent.key("12");
  intent.done();
  expect(intent.key("12")).not.toBe(first);
  expect(new Intent().key("12")).not.toBe(first);
});
