// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from "vitest";

import { keepOnReload, part, PartMissing, referenceOf, reloadKeeping, watchForMishaps } from "./mishap";

afterEach(() => vi.restoreAllMocks());

const rejection = (reason: unknown): Event => Object.assign(new Event("unhandledrejection"), { reason });

describe("a part of the pages", () => {
  it("that cannot be loaded is missing, whatever the browser calls it", async () => {
    const gone = new TypeError("Failed to fetch dynamically imported module");
    await expect(part(() => Promise.reject(gone))).rejects.toBeInstanceOf(PartMissing);
    await expect(part(() => Promise.resolve(1))).resolves.toBe(1);
  });

  it("asks for a reload that keeps what was typed", () => {
    const done: string[] = [];
    const stop = keepOnReload(() => done.push("kept"));
    reloadKeeping(() => done.push("loaded"));
    stop();
    reloadKeeping(() => done.push("loaded"));
    expect(done).toEqual(["kept", "loaded", "loaded"]);
  });
});

describe("an error nobody thought of", () => {
  it("has a reference that stays and that the console knows", () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const error = new TypeError("Cannot read properties of undefined");
    const reference = referenceOf(error, new Date("2026-11-30T09:12:40Z"));
    expect(reference).toMatch(/^2026-11-30 09:12 [0-9A-F]{4}$/);
    expect(referenceOf(error)).toBe(reference);
    expect(log).toHaveBeenCalledExactlyOnceWith(`${reference}:`, error);
  });

  it("is told, but not what was aborted or what an extension did", () => {
    const tell = vi.fn();
    const stop = watchForMishaps(tell);
    const error = new TypeError("x");
    window.dispatchEvent(rejection(new DOMException("", "AbortError")));
    window.dispatchEvent(new ErrorEvent("error", { error, filename: "chrome-extension://abc/x.js" }));
    expect(tell).not.toHaveBeenCalled();
    window.dispatchEvent(rejection(error));
    window.dispatchEvent(new ErrorEvent("error", { error, filename: `${window.location.origin}/assets/x.js` }));
    stop();
    window.dispatchEvent(rejection(error));
    expect(tell.mock.calls).toEqual([[error], [error]]);
  });
});
