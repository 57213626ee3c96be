import type { ServiceOffer } from "$shared/api/types";

type Fee = Pick<ServiceOffer["fees"][number], "amount_cents"> & Partial<Pick<ServiceOffer["fees"][number], "age_from" | "age_below" | "when">>;

/** Something with fees, of which only these matter here. */
export interface Charged {
  readonly fees: readonly Fee[];
  /** Several people share one application, and pay once. */
  readonly one_form?: boolean;
}

/** What a service, or several together, can cost at least and at most, in cents. */
export interface FeeRange {
  readonly least: number;
  readonly most: number;
  /** Whether some people pay nothing although others pay. */
  readonly sometimesFree: boolean;
}

type Options = Readonly<Record<string, string>>;

/**
 * The fees that can still apply once these options are chosen. Rules are tried in order and the first that fits counts, so
 * those after a rule that surely fits are out. Who is how old is known in the call only.
 */
export function possibleFees<F extends Fee>(fees: readonly F[], options: Options = {}): readonly F[] {
  const possible: F[] = [];
  for (const fee of fees) {
    const conditions = Object.entries(fee.when ?? {});
    if (conditions.some(([field, value]) => options[field] !== undefined && options[field] !== value)) continue;
    possible.push(fee);
    const certain = conditions.every(([field]) => options[field] !== undefined) && (fee.age_from ?? null) === null && (fee.age_below ?? null) === null;
    if (certain) break;
  }
  return possible;
}

/**
 * The range a citizen should expect. Exemptions (a fee of 0 beside other fees) do not count as the lower end:
 * most people would read "0 to 13 euros" as uncertainty, while it is "13 euros, free in some cases".
 */
export function feeRange(service: Charged, options: Options = {}, persons = 1): FeeRange {
  const amounts = possibleFees(service.fees, options).map((fee) => fee.amount_cents);
  const charged = amounts.filter((amount) => amount > 0);
  if (charged.length === 0) return { least: 0, most: 0, sometimesFree: false };
  const times = service.one_form ? 1 : persons;
  return { least: times * Math.min(...charged), most: times * Math.max(...charged), sometimesFree: charged.length < amounts.length };
}

/** What several services cost together, each with the options chosen and for so many people. */
export function totalRange(items: readonly { readonly service: Charged; readonly options?: Options; readonly persons?: number }[]): FeeRange {
  const ranges = items.map(({ service, options, persons }) => feeRange(service, options, persons));
  return {
    least: ranges.reduce((sum, range) => sum + range.least, 0),
    most: ranges.reduce((sum, range) => sum + range.most, 0),
    sometimesFree: ranges.some((range) => range.sometimesFree),
  };
}

/** A fee range in words: `kostenlos`, `13,00 €, in manchen Fällen kostenlos`, `27,60 € bis 46,00 €`. */
export function feeText(
  range: FeeRange,
  money: (cents: number) => string,
  words: { readonly free: string; readonly sometimesFree: string; readonly range: (from: string, to: string) => string },
): string {
  if (range.most === 0) return words.free;
  const amount = range.least === range.most ? money(range.most) : words.range(money(range.least), money(range.most));
  return range.sometimesFree ? `${amount}, ${words.sometimesFree}` : amount;
}
