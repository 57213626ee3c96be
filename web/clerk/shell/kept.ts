/** What a desk's browser keeps between visits: choices, never personal data. */

const PREFIX = "schalter-clerk-";

/** What was kept; null when nothing was, or when the browser keeps nothing (private windows). */
export const read = (name: string): string | null => readFrom(() => window.localStorage, name);
export const write = (name: string, value: string): void => writeTo(() => window.localStorage, name, value);

/** The same for this tab alone: over its reload, and gone with it. */
export const readHere = (name: string): string | null => readFrom(() => window.sessionStorage, name);
export const writeHere = (name: string, value: string): void => writeTo(() => window.sessionStorage, name, value);

function readFrom(storage: () => Storage, name: string): string | null {
  try {
    return storage().getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function writeTo(storage: () => Storage, name: string, value: string): void {
  try {
    storage().setItem(PREFIX + name, value);
  } catch {
    // Not kept then; the choice still holds for this page.
  }
}
