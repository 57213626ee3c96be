import { describe, expect, it } from "vitest";

import { moved, transformOf, turned, turnedSize, WHOLE, zoomed, type FrameView } from "./frame";
import { EMPTY, hindrance } from "./identity";
import { shortcutOf } from "./shortcuts";

/** Where a point of the frame is drawn. */
function drawn(view: FrameView, x: number, y: number): [number, number] {
  const [a, b, c, d, e, f] = transformOf(view, 640, 480);
  return [Math.round(a * x + c * y + e) + 0, Math.round(b * x + d * y + f) + 0];
}

describe("looking at a frozen frame", () => {
  it("draws it whole and upright", () => {
    expect(drawn(WHOLE, 0, 0)).toEqual([0, 0]);
    expect(drawn(WHOLE, 640, 480)).toEqual([640, 480]);
  });

  it("turns it clockwise into a canvas of the turned size", () => {
    const right = turned(WHOLE, 1);
    expect(turnedSize(right, 640, 480)).toEqual({ width: 480, height: 640 });
    expect(drawn(right, 0, 0)).toEqual([480, 0]);
    expect(drawn(turned(right, 1), 0, 0)).toEqual([640, 480]);
    expect(drawn(turned(WHOLE, -1), 0, 0)).toEqual([0, 640]);
  });

  it("enlarges about the middle and never shows an empty margin", () => {
    const close = zoomed(WHOLE, 2);
    expect(drawn(close, 320, 240)).toEqual([320, 240]);
    expect(drawn(close, 160, 120)).toEqual([0, 0]);
    expect(drawn(moved(close, 9, 9), 640, 480)).toEqual([640, 480]);
    expect(zoomed(moved(close, 9, 9), 1)).toEqual(WHOLE);
    expect(zoomed(WHOLE, 99).zoom).toBe(6);
  });
});

describe("the record of an identity check", () => {
  const all = { ...EMPTY, checks: { photo_matches: true, security_features: true, not_expired: true, data_matches: true } };

  it("needs a reason where a check failed but the identity is accepted, and for every refusal", () => {
    expect(hindrance(all, "verified")).toBeNull();
    expect(hindrance(EMPTY, "verified")).toBe("note");
    expect(hindrance({ ...EMPTY, note: "Foto alt, Person am Register geprüft" }, "verified")).toBeNull();
    expect(hindrance(all, "refused")).toBe("note");
  });
});

describe("shortcuts", () => {
  const keys = { code: "", altKey: false, shiftKey: false, ctrlKey: false, metaKey: false };

  it("never take a plain key, nor AltGr", () => {
    expect(shortcutOf({ ...keys, code: "KeyM" })).toBeNull();
    expect(shortcutOf({ ...keys, code: "KeyM", altKey: true })).toBeNull();
    expect(shortcutOf({ ...keys, code: "KeyM", altKey: true, ctrlKey: true, shiftKey: true })).toBeNull();
  });

  it("know the primary action, the stages and the devices", () => {
    expect(shortcutOf({ ...keys, code: "Enter", ctrlKey: true })).toEqual({ kind: "primary" });
    expect(shortcutOf({ ...keys, code: "Digit2", altKey: true, shiftKey: true })).toEqual({ kind: "stage", stage: "identity" });
    expect(shortcutOf({ ...keys, code: "KeyM", altKey: true, shiftKey: true })).toEqual({ kind: "microphone" });
    expect(shortcutOf({ ...keys, code: "Digit7", altKey: true, shiftKey: true })).toBeNull();
  });
});
