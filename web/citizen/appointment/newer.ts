import { citizenToken } from "$shared/api/session";

const STORAGE_KEY = "schalter-newer-links";

/** Which token took the place of which, as this tab has seen it: its history keeps the pages of the old ones. */
function known(): Record<string, string> {
  try {
    return (JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "{}") ?? {}) as Record<string, string>;
  } catch {
    return {};
  }
}

/** The link of token `before` is no longer valid: `fresh` took its place. */
export function replaced(before: string, fresh: string | null): void {
  if (fresh === null || fresh === before) return;
  // Those that it replaced itself go on to the newest at once, which nothing replaces.
  const onward = Object.entries(known()).map(([old, next]) => [old, next === before ? fresh : next]);
  const links: Record<string, string> = { ...Object.fromEntries(onward), [before]: fresh };
  delete links[fresh];
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(links));
  } catch {
    // Then a step back says that the link is no longer valid.
  }
}

/** The fragment of the newest link that took the place of this one's; the fragment itself where none did. */
export function newest(hash: string): string {
  const token = citizenToken(hash);
  const fresh = token === null ? undefined : known()[token];
  return fresh === undefined ? hash : `#${fresh}`;
}
