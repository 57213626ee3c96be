/** What the office offers, asked once: names of services for every page. */
import { bookingApi } from "$shared/api/booking";
import { Latest } from "$shared/api/latest";
import type { OfficeInfo } from "$shared/api/types";
import { office as texts } from "$shared/i18n/clerk-office";
import { localised } from "$shared/i18n/language.svelte";
import type { OfferedService } from "../booking/draft";
import type { AppointmentBrief } from "../types";

const known = $state<{ info: OfficeInfo | null }>({ info: null });
// A week names services thousands of times.
const names = $derived(new Map(known.info?.services.map((one) => [one.id, one.name]) ?? []));
const latest = new Latest();
let asked: { readonly slug: string; readonly answer: Promise<OfficeInfo> } | null = null;

/** The office; the same answer for every page until the office changes or `fresh` is wanted. @throws ApiProblem */
export function loadOffer(slug: string): Promise<OfficeInfo> {
  if (asked?.slug !== slug) {
    const answer = bookingApi.office(slug);
    asked = { slug, answer };
    void latest.ask(() => answer, { answer: (info) => (known.info = info), failure: () => (asked = null) });
  }
  return asked.answer;
}

/** What is known of the office so far; null before the first answer. */
export const offer = {
  get info(): OfficeInfo | null {
    return known.info;
  },
  get services(): readonly OfferedService[] {
    return known.info?.services ?? [];
  },
  /** The service's name, or its id while nothing is known of it. */
  name(id: string): string {
    const name = names.get(id);
    return name ? localised(name) : id;
  },
};

/** "Personalausweis (2 Personen), Wohnsitz anmelden". */
export function servicesOf(brief: Pick<AppointmentBrief, "services">): string {
  return brief.services.map((one) => offer.name(one.service_id) + (one.persons > 1 ? ` (${texts.persons(one.persons)})` : "")).join(", ");
}

export const nameOf = (brief: Pick<AppointmentBrief, "name">): string => brief.name ?? texts.erased;

/** A clerk's name; without a roster lanes have only numbers. */
export const laneName = (name: string): string => (/^\d*$/.test(name) ? texts.lane(name) : name);
