import type { ListedView } from "$shared/api/types";
import { formatDate } from "$shared/i18n/format";

/** The days between which somebody could come, as the date fields give them; empty means any. */
export interface Period {
  readonly first: string;
  readonly last: string;
}

interface Words {
  readonly daysBetween: (first: string, last: string) => string;
  readonly daysFrom: (first: string) => string;
  readonly daysUntil: (last: string) => string;
  readonly daysAny: (last: string) => string;
}

/** The days that somebody waits for, in words; without any, until when they wait at the longest. */
export function askedFor({ first, last, until }: Pick<ListedView, "first" | "last" | "until">, timeZone: string, words: Words): string {
  const from = first ? day(first) : null;
  const to = last ? day(last) : null;
  if (from && to) return from === to ? from : words.daysBetween(from, to);
  if (from) return words.daysFrom(from);
  if (to) return words.daysUntil(to);
  // The waiting ends at midnight, as the day after begins.
  return words.daysAny(formatDate(new Date(Date.parse(until) - 1000), timeZone));
}

/** A day of the office, which is the same day wherever it is read. */
const day = (local: string): string => formatDate(`${local}T12:00:00Z`, "UTC");

/** What is wrong with a period. */
export function periodProblems({ first, last }: Period, texts: { readonly order: string }): readonly { field: "first" | "last"; message: string }[] {
  return first !== "" && last !== "" && last < first ? [{ field: "last", message: texts.order }] : [];
}
