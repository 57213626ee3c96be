/** The days between which somebody could come, as the date fields give them; empty means any. */
export interface Period {
  readonly first: string;
  readonly last: string;
}

/** What is wrong with a period. */
export function periodProblems({ first, last }: Period, texts: { readonly order: string }): readonly { field: "first" | "last"; message: string }[] {
  return first !== "" && last !== "" && last < first ? [{ field: "last", message: texts.order }] : [];
}
