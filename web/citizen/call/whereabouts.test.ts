import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { forget, recall, remember } from "./whereabouts";

const storage = new Map<string, string>();

beforeEach(() => {
  storage.clear();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  });
});
afterEach(() => vi.unstubAllGlobals());

it("is known after a reload, for that appointment alone, until it is left", () => {
  remember("a", "waiting");
  remember("a", "in_call");
  expect([recall("a"), recall("b")]).toEqual(["in_call", null]);
  forget();
  expect(recall("a")).toBeNull();
});

it("is unknown when what is stored is not ours, or nothing can be stored", () => {
  storage.set("schalter-call", "{broken");
  expect(recall("a")).toBeNull();
  vi.stubGlobal("sessionStorage", undefined);
  expect(() => remember("a", "waiting")).not.toThrow();
  expect(recall("a")).toBeNull();
});
