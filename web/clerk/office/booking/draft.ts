/** A booking that a clerk takes down on the phone: what is chosen, what is missing, and what is sent. */
import type { Question, ServiceOffer } from "$shared/api/types";
import { optionsOf } from "$shared/booking/bring";
import { blockOf, missingAnswers, type Missing } from "$shared/booking/readiness";
import { cleanEmail } from "$shared/contact/email";
import { invisible, oneLine } from "$shared/contact/characters";
import { phoneFault, sentPhone } from "$shared/contact/phones.svelte";
import { looksLikeEmail } from "$shared/contact/rules";
import type { Language } from "$shared/i18n/language.svelte";
import type { Need, OfficeBooking } from "../types";

/** `minutes_per_further_person` is null where a service is for one person alone. */
export type OfferedService = ServiceOffer & { readonly minutes_per_further_person?: number | null };

export interface Choice {
  readonly serviceId: string;
  readonly persons: number;
  readonly options: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<string, boolean>>;
  /** The call cannot finish it, a visit will: the person was told so, and it is booked nevertheless. */
  readonly knowingly: boolean;
}

export interface BookingDraft {
  readonly choices: readonly Choice[];
  readonly startsAt: string | null;
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly needs: readonly Need[];
  /** Mails and the call in simple words. */
  readonly plainLanguage: boolean;
  readonly language: Language;
}

export const EMPTY: BookingDraft = { choices: [], startsAt: null, name: "", email: "", phone: "", needs: [], plainLanguage: false, language: "de" };
export const MAX_PERSONS = 12;

/** How services travel in a query: "anmeldung", "personalausweis:2". */
export function serviceCounts(choices: readonly Pick<Choice, "serviceId" | "persons">[]): string[] {
  return choices.map(({ serviceId, persons }) => (persons === 1 ? serviceId : `${serviceId}:${persons}`));
}

/** Put a service in or take it out. Nothing is answered, and only what is preselected chosen, for somebody who was not asked. */
export function toggled(choices: readonly Choice[], service: Pick<OfferedService, "id" | "options">): Choice[] {
  if (choices.some((one) => one.serviceId === service.id)) return choices.filter((one) => one.serviceId !== service.id);
  return [...choices, { serviceId: service.id, persons: 1, options: optionsOf(service), answers: {}, knowingly: false }];
}

export function withPersons(choices: readonly Choice[], serviceId: string, persons: number): Choice[] {
  const wanted = Math.min(MAX_PERSONS, Math.max(1, persons));
  return choices.map((one) => (one.serviceId === serviceId ? { ...one, persons: wanted } : one));
}

export function withOption(choices: readonly Choice[], serviceId: string, option: string, choice: string): Choice[] {
  return choices.map((one) => (one.serviceId === serviceId ? { ...one, options: { ...one.options, [option]: choice } } : one));
}

/** Another answer is another matter: whoever went past the old one is asked again. */
export function withAnswer(choices: readonly Choice[], serviceId: string, question: string, yes: boolean): Choice[] {
  return choices.map((one) => (one.serviceId === serviceId ? { ...one, answers: { ...one.answers, [question]: yes }, knowingly: false } : one));
}

export function withKnowledge(choices: readonly Choice[], serviceId: string, knowingly: boolean): Choice[] {
  return choices.map((one) => (one.serviceId === serviceId ? { ...one, knowingly } : one));
}

/** Why a call cannot finish what was chosen, whether or not somebody goes past it. */
export function adviceOf(choice: Choice, service: OfferedService): Question | null {
  return blockOf(service, (_, question) => choice.answers[question]);
}

/** What the appointment is for: without what a call cannot finish, unless a visit does and the person knows. */
export function included(choices: readonly Choice[], services: readonly OfferedService[]): Choice[] {
  return choices.filter((choice) => {
    const service = services.find((one) => one.id === choice.serviceId);
    return service === undefined || blockOf(service, (_, question) => choice.answers[question], () => choice.knowingly) === null;
  });
}

/** The questions and options that were not gone through yet, in the order in which they were chosen. */
export function unasked(choices: readonly Choice[], services: readonly OfferedService[]): readonly Missing[] {
  const of = (id: string): Choice | undefined => choices.find((one) => one.serviceId === id);
  const chosen = choices.flatMap(({ serviceId }) => services.find((one) => one.id === serviceId) ?? []);
  return missingAnswers(
    chosen,
    (service, question) => of(service)?.answers[question],
    (service) => of(service)?.options,
    (service) => of(service)?.knowingly ?? false,
  );
}

export type BookingField = "services" | "slot" | "name" | "email" | "phone";

/** What still keeps the booking from being sent, in the order of the form. */
export function missing(draft: BookingDraft): BookingField[] {
  const gaps: BookingField[] = [];
  if (draft.choices.length === 0) gaps.push("services");
  if (draft.startsAt === null) gaps.push("slot");
  if (oneLine(draft.name) === "" || invisible(draft.name) !== null) gaps.push("name");
  if (!looksLikeEmail(cleanEmail(draft.email))) gaps.push("email");
  if (phoneFault(draft.phone) !== null) gaps.push("phone");
  return gaps;
}

/** What is sent; only for a draft that misses nothing. */
export function toBooking(draft: BookingDraft): OfficeBooking {
  const phone = sentPhone(draft.phone);
  return {
    services: draft.choices.map(({ serviceId, persons, options }) => ({ service_id: serviceId, persons, options })),
    starts_at: draft.startsAt ?? "",
    name: oneLine(draft.name),
    email: cleanEmail(draft.email),
    ...(phone === "" ? {} : { phone }),
    needs: draft.needs,
    plain_language: draft.plainLanguage,
    language: draft.language,
  };
}

/** The form's field that a field of a refused request belongs to ("services.0.options.belegart" -> services). */
export function fieldOf(path: string): BookingField | null {
  const names: Readonly<Record<string, BookingField>> = { services: "services", starts_at: "slot", name: "name", email: "email", phone: "phone" };
  const part = path.split(/[.[]/).find((one) => one in names);
  return part === undefined ? null : (names[part] ?? null);
}
