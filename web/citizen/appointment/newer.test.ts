import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { newest, replaced } from "./newer";

const stored = new Map<string, string>();
beforeEach(() => {
  stored.clear();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("a link that was replaced in this tab", () => {
  it("leads to the newest one, however often it was replaced", () => {
    replaced("a.b.c", "d.e.f");
    replaced("d.e.f", "g.h.i");
    expect(["#a.b.c", "#d.e.f", "#g.h.i", "#x.y.z", "#content", ""].map(newest)).toEqual(["#g.h.i", "#g.h.i", "#g.h.i", "#x.y.z", "#content", ""]);
  });

  it("is found however its end was copied", () => {
    replaced("a.b.c", "d.e.f");
    expect(newest("#a.b.c.")).toBe("#d.e.f");
  });

  it("leads in no circle when it is answered with itself, or with none", () => {
    replaced("a.b.c", "a.b.c");
    replaced("a.b.c", null);
    expect(newest("#a.b.c")).toBe("#a.b.c");
    replaced("a.b.c", "d.e.f");
    replaced("d.e.f", "a.b.c");
    expect(["#a.b.c", "#d.e.f"].map(newest)).toEqual(["#a.b.c", "#a.b.c"]);
  });

  it("stays as it is where the browser keeps nothing, or something else", () => {
    stored.set("schalter-newer-links", "[");
    expect(newest("#a.b.c")).toBe("#a.b.c");
    vi.stubGlobal("sessionStorage", undefined);
    replaced("a.b.c", "d.e.f");
    expect(newest("#a.b.c")).toBe("#a.b.c");
  });
});
