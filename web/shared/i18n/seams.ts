const LONG = 16;
/** What German compounds of this trade end with, or go on with: before these a line may break. */
const HEADS =
  /(?<=\p{L}{4})(?=(?:berechtigung|bescheinigung|bestätigung|angehörig|gesellschaft|kennzeichen|mitglied|berechtigt|befreiung|verlag|register|sperre|ausweis|schein|geber|zentral|park|zeugnis|erlaubnis|genehmigung))/giu;
const WORD = /\p{L}+/gu;

/**
 * Long words with soft hyphens at their seams: "Untersuchungs·berechtigungs·schein". Browsers hyphenate German only where
 * they have the dictionary, and break in the middle of a syllable where they have not. For what is shown, not for what is
 * compared, copied or sent.
 */
export function softened(text: string): string {
  return text.replace(WORD, (word) => (word.length < LONG ? word : word.replace(HEADS, "\u00ad")));
}
