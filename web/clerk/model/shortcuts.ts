/**
 * Keyboard shortcuts of the workspace.
 *
 * All carry Alt+Shift (or Ctrl for Enter): single letters would fire while somebody dictates or a screen reader reads
 * (WCAG 2.1.4), Alt alone opens menus, Ctrl+Alt is AltGr on German keyboards, and Insert, CapsLock and Ctrl+Option belong
 * to screen readers. Matched by the key's place, so that every layout works. They can be switched off.
 */
import type { Stage } from "./types";
import { STAGES } from "./types";

export type Shortcut =
  | { kind: "primary" }
  | { kind: "stage"; stage: Stage }
  | { kind: "microphone" | "camera" | "freeze" | "help" | "agenda" };

interface Keys {
  code: string;
  altKey: boolean;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

const LETTERS: Record<string, "microphone" | "camera" | "freeze" | "help" | "agenda"> = {
  KeyM: "microphone",
  KeyV: "camera",
  KeyF: "freeze",
  KeyH: "help",
  KeyL: "agenda",
};

/** What these keys mean, or null. */
export function shortcutOf(keys: Keys): Shortcut | null {
  const { code, altKey, shiftKey, ctrlKey, metaKey } = keys;
  if ((ctrlKey || metaKey) && !altKey && !shiftKey && (code === "Enter" || code === "NumpadEnter")) return { kind: "primary" };
  if (!altKey || !shiftKey || ctrlKey || metaKey) return null;
  const letter = LETTERS[code];
  if (letter !== undefined) return { kind: letter };
  const stage = STAGES[Number(/^Digit([1-6])$/.exec(code)?.[1] ?? 0) - 1];
  return stage === undefined ? null : { kind: "stage", stage };
}

export type ShortcutRuns = Readonly<Record<Exclude<Shortcut["kind"], "stage">, () => void>> & { stage(stage: Stage): void };

/** Does what the keys mean. */
export function runShortcut(shortcut: Shortcut, runs: ShortcutRuns): void {
  if (shortcut.kind === "stage") runs.stage(shortcut.stage);
  else runs[shortcut.kind]();
}
