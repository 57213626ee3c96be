/** What canonical JSON can hold here: integers only, so that every language writes the same bytes. */
export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue };

/**
 * JSON with sorted keys (by code point) and no whitespace: the one spelling that server and browser both hash.
 *
 * @throws TypeError for a number that is no safe integer, and for anything JSON does not know (undefined, functions).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new TypeError(`not a safe integer: ${value}`);
    return String(value === 0 ? 0 : value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).sort(([one], [other]) => byCodePoint(one, other));
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
  }
  throw new TypeError(`not JSON: ${typeof value}`);
}

// JavaScript compares UTF-16 units, Python code points; they part ways beyond U+FFFF.
function byCodePoint(one: string, other: string): number {
  const [a, b] = [[...one], [...other]];
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const difference = (a[index]?.codePointAt(0) ?? 0) - (b[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Lower-case hex SHA-256 of a text's UTF-8 bytes. Needs a secure context (HTTPS or localhost). */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The hash that a confirmation and a signature are bound to. @throws TypeError as `canonicalJson` does. */
export async function documentHash(document: unknown): Promise<string> {
  return sha256Hex(canonicalJson(document));
}
