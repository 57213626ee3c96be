/** What goes wrong in the pages themselves: a part of them that cannot be loaded, an answer nobody thought of. */

/** A part of the pages did not come. After a new version was installed only loading the page anew helps. */
export class PartMissing extends Error {
  override readonly name = "PartMissing";
}

/** Loads a part of the pages (a dynamic import). @throws PartMissing */
export async function part<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new PartMissing(String(cause), { cause });
  }
}

const references = new WeakMap<object, string>();

/**
 * What somebody names when they ask about this error: minute (UTC) and a few signs, `2026-11-30 09:12 K7Q2`. The same
 * error keeps its reference; the console of the browser shows both.
 */
export function referenceOf(cause: unknown, now: Date = new Date()): string {
  const error = typeof cause === "object" && cause !== null ? cause : new Error(String(cause));
  const found = references.get(error);
  if (found) return found;
  const signs = crypto.randomUUID().slice(0, 4).toUpperCase();
  const reference = `${now.toISOString().slice(0, 16).replace("T", " ")} ${signs}`;
  references.set(error, reference);
  console.error(`${reference}:`, cause);
  return reference;
}

const aborted = (cause: unknown): boolean => cause instanceof DOMException && cause.name === "AbortError";

/** Tells what nobody caught, of our own code; extensions fail in their own name. Returns how to stop. */
export function watchForMishaps(tell: (cause: unknown) => void): () => void {
  const rejected = ({ reason }: PromiseRejectionEvent): void => {
    if (!aborted(reason)) tell(reason);
  };
  const failed = ({ error, filename }: ErrorEvent): void => {
    if (error instanceof Error && filename.startsWith(window.location.origin)) tell(error);
  };
  window.addEventListener("unhandledrejection", rejected);
  window.addEventListener("error", failed);
  return () => {
    window.removeEventListener("unhandledrejection", rejected);
    window.removeEventListener("error", failed);
  };
}

const keepers = new Set<() => void>();

/** `keep` puts aside what was typed when the page itself asks to be loaded anew. Returns how to stop. */
export function keepOnReload(keep: () => void): () => void {
  keepers.add(keep);
  return () => keepers.delete(keep);
}

export function reloadKeeping(reload: () => void = () => window.location.reload()): void {
  for (const keep of keepers) keep();
  reload();
}
