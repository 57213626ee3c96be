/** Letters as people type them: without case and marks, "ß" as "ss". */
export const folded = (text: string): string =>
  text
    .toLocaleLowerCase("de")
    .replaceAll("ß", "ss")
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "");
