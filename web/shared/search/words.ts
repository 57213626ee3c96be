/** Letters as anybody may type them: no case, no accents, umlauts in either spelling, words apart by one space. */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .replaceAll("ß", "ss")
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/(?<![aeq])([aou])e/g, "$1")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

const ENDINGS = /(ungen|ung|ern|ing|ed|en|er|es|em|e|n|s|t)$/;
const SHORTEST = 4;

/** A word without its endings, German or English: `verlangerung` and `verlangern` are one. */
export function stem(word: string): string {
  const shorter = word.replace(ENDINGS, "");
  return shorter.length >= SHORTEST && shorter !== word ? stem(shorter) : word;
}

/** How many letters are wrong, missing, too many or swapped; `most + 1` when there are more than `most`. */
export function distance(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  // Beginnings that differ twice are other words; it saves most of the work.
  if (most === 1 && one[0] !== other[0] && one[1] !== other[1] && one[0] !== other[1] && one[1] !== other[0]) return most + 1;
  let [before, last] = [[] as number[], Array.from({ length: other.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const wrong = one[i - 1] === other[j - 1] ? 0 : 1;
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + wrong);
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    if (Math.min(...row) > most) return most + 1;
    [before, last] = [last, row];
  }
  return Math.min(most + 1, last[other.length]!);
}
