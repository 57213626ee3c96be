/** What a desk's browser keeps between visits: choices, never personal data. */

const PREFIX = "schalter-clerk-";

/** What was kept; null when nothing was, or when the browser keeps nothing (private windows). */
export function read(name: string): string | null {
  try {
    return window.localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function write(name: string, value: string): void {
  try {
    window.localStorage.setItem(PREFIX + name, value);
  } catch {
    // Not kept then; the choice still holds for this page.
  }
}
