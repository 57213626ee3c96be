import { describe, expect, it } from "vitest";

import { shortcutOf } from "./shortcuts";
import { STAGES } from "./types";

const plain = { altKey: false, shiftKey: false, ctrlKey: false, metaKey: false };
const ours = (code: string) => ({ ...plain, code, altKey: true, shiftKey: true });

describe("a shortcut", () => {
  it("is Ctrl+Enter, or Cmd+Enter, for the one next thing, on either Enter key", () => {
    for (const code of ["Enter", "NumpadEnter"]) {
      expect(shortcutOf({ ...plain, code, ctrlKey: true })).toEqual({ kind: "primary" });
      expect(shortcutOf({ ...plain, code, metaKey: true })).toEqual({ kind: "primary" });
    }
  });

  it("looks at each stage by its number, and at none beyond", () => {
    expect(STAGES.map((_, at) => shortcutOf(ours(`Digit${at + 1}`)))).toEqual(STAGES.map((stage) => ({ kind: "stage", stage })));
    for (const code of ["Digit0", `Digit${STAGES.length + 1}`, "Numpad1", "Digit12"]) expect(shortcutOf(ours(code))).toBeNull();
  });

  it("is found by the key's place, whatever letter a layout has there", () => {
    const found = ["KeyM", "KeyV", "KeyF", "KeyH", "KeyL"].map((code) => shortcutOf(ours(code))?.kind);
    expect(found).toEqual(["microphone", "camera", "freeze", "help", "agenda"]);
    expect(shortcutOf(ours("KeyX"))).toBeNull();
  });
});

describe("no shortcut", () => {
  it.each([
    ["a letter alone, as dictation types it", { ...plain, code: "KeyM" }],
    ["Alt alone, which opens menus", { ...plain, code: "KeyM", altKey: true }],
    ["a capital letter", { ...plain, code: "KeyM", shiftKey: true }],
    ["Ctrl+Alt, which is AltGr", { ...ours("KeyM"), ctrlKey: true }],
    ["Cmd with the rest", { ...ours("KeyM"), metaKey: true }],
    ["Enter alone", { ...plain, code: "Enter" }],
    ["Ctrl+Shift+Enter", { ...plain, code: "Enter", ctrlKey: true, shiftKey: true }],
    ["Alt+Shift+Enter", ours("Enter")],
  ])("is %s", (_, keys) => {
    expect(shortcutOf(keys)).toBeNull();
  });
});
