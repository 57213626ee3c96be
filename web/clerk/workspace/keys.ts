/** Whether this desk uses keyboard shortcuts: on, until somebody switches them off. */

const KEY = "schalter-clerk-shortcuts";

export function shortcutsWanted(): boolean {
  try {
    return window.localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

export function wantShortcuts(on: boolean): void {
  try {
    window.localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Not kept then; the choice still holds for this page.
  }
}
