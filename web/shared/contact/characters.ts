// The rules are the service's (libs/contracts, characters.py): both are tested with the same examples.

const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
const BLANK = /[\p{Default_Ignorable_Code_Point}\u2800]/u;
const SYMBOL = /[\p{So}\p{Sk}]/u;
/** Letters that are never joined by an invisible character. */
const UNJOINED = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}\p{Script=Inherited}]/u;
const EDGES = /^[\p{Z}\t-\r\x1c-\x1f\x85]+|[\p{Z}\t-\r\x1c-\x1f\x85]+$/gu;

/** A text in the one form in which it is kept: NFC, single spaces, trimmed. */
export function oneLine(text: string): string {
  return text.replace(EDGES, "").normalize("NFC").replace(/\p{Zs}+/gu, " ");
}

/** The first character that nobody sees and that no script needs there; null if there is none. */
export function invisible(text: string): string | null {
  const characters = [...text.replace(EDGES, "").normalize("NFC")];
  return characters.find((one, at) => CONTROL.test(one) || (BLANK.test(one) && !needed(characters, at))) ?? null;
}

/** "U+202E". */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function needed(characters: readonly string[], at: number): boolean {
  const [before, one, after] = [characters[at - 1] ?? " ", characters[at] ?? " ", characters[at + 1] ?? " "];
  if (one === "\u200c" || one === "\u200d") {
    if ((SYMBOL.test(before) || before === "\ufe0f") && SYMBOL.test(after)) return true;
    // Between which letters exactly is the service's to know.
    return /[\p{L}\p{M}]/u.test(before) && !UNJOINED.test(before);
  }
  if (/[\u180b-\u180d\u180f]/.test(one)) return /[\u1820-\u18aa]/.test(before);
  const letter = /\p{Lo}/u.test(before) && !BLANK.test(before);
  if (/[\ufe00-\ufe0f]/.test(one)) return letter || /\p{So}/u.test(before);
  return /[\u{e0100}-\u{e01ef}]/u.test(one) && letter;
}
