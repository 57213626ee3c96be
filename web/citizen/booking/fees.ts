import type { ServiceOffer } from "$shared/api/types";
import type { LocalisedText } from "$shared/i18n/language.svelte";

type Rule = ServiceOffer["fees"][number];
type Fee = Pick<Rule, "amount_cents"> & Partial<Pick<Rule, "age_from" | "age_below" | "when" | "exempt">>;

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
  /** Who pays nothing at all, although others pay. */
  readonly exempt: readonly LocalisedText[];
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
 * most people would read "0 to 13 euros" as uncertainty, while it is "13 euros, free of charge for volunteers".
 */
export function feeRange(service: Charged, options: Options = {}, persons = 1): FeeRange {
  const possible = possibleFees(service.fees, options);
  const charged = possible.map((fee) => fee.amount_cents).filter((amount) => amount > 0);
  if (charged.length === 0) return { least: 0, most: 0, exempt: [] };
  const times = service.one_form ? 1 : persons;
  const exempt = possible.flatMap((fee) => (fee.amount_cents === 0 && fee.exempt ? [fee.exempt] : []));
  return { least: times * Math.min(...charged), most: times * Math.max(...charged), exempt };
}

/**
 * What several services cost together, each with the options chosen and for so many people. All of it is free of charge
 * only for those whom every service that costs something exempts.
 */
export function totalRange(items: readonly { readonly service: Charged; readonly options?: Options; readonly persons?: number }[]): FeeRange {
  const ranges = items.map(({ service, options, persons }) => feeRange(service, options, persons));
  const [first, ...others] = ranges.filter(({ most }) => most > 0);
  return {
    least: ranges.reduce((sum, range) => sum + range.least, 0),
    most: ranges.reduce((sum, range) => sum + range.most, 0),
    exempt: (first?.exempt ?? []).filter((who) => others.every(({ exempt }) => exempt.some(({ de }) => de === who.de))),
  };
}

/** What a service costs with each choice of an option; null where the choice changes nothing. Exemptions stand with the service. */
export function pricesOf(service: Charged & Pick<ServiceOffer, "options">, options: Options, option: string, persons: number): Readonly<Record<string, FeeRange>> | null {
  const choices = service.options.find(({ id }) => id === option)?.choices ?? [];
  const prices = choices.map(({ id }) => [id, { ...feeRange(service, { ...options, [option]: id }, persons), exempt: [] }] as const);
  const differ = prices.some(([, { least, most }]) => least !== prices[0]![1].least || most !== prices[0]![1].most);
  return differ ? Object.fromEntries(prices) : null;
}

/** A fee range in words: `kostenlos`, `13,00 €, kostenlos bei Ehrenamt`, `27,60 € bis 46,00 €`. */
export function feeText(
  range: FeeRange,
  money: (cents: number) => string,
  words: { readonly free: string; readonly freeFor: (who: readonly LocalisedText[]) => string; readonly range: (from: string, to: string) => string },
): string {
  if (range.most === 0) return words.free;
  const amount = range.least === range.most ? money(range.most) : words.range(money(range.least), money(range.most));
  return range.exempt.length > 0 ? `${amount}, ${words.freeFor(range.exempt)}` : amount;
}
