import type { ServiceOffer } from "$shared/api/types";

/** Something with fees, of which only the amounts matter here. */
export interface Charged {
  readonly fees: readonly Pick<ServiceOffer["fees"][number], "amount_cents">[];
}

/** What a service, or several together, can cost at least and at most, in cents. */
export interface FeeRange {
  readonly least: number;
  readonly most: number;
  /** Whether some people pay nothing although others pay. */
  readonly sometimesFree: boolean;
}

/**
 * The range a citizen should expect. Exemptions (a fee of 0 beside other fees) do not count as the lower end:
 * most people would read "0 to 13 euros" as uncertainty, while it is "13 euros, free in some cases".
 */
export function feeRange(service: Charged): FeeRange {
  const amounts = service.fees.map((fee) => fee.amount_cents);
  const charged = amounts.filter((amount) => amount > 0);
  if (charged.length === 0) return { least: 0, most: 0, sometimesFree: false };
  return { least: Math.min(...charged), most: Math.max(...charged), sometimesFree: charged.length < amounts.length };
}

export function totalRange(services: readonly Charged[]): FeeRange {
  const ranges = services.map(feeRange);
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
