/** A booking that a clerk takes down on the phone: what is chosen, what is missing, and what is sent. */
import type { ServiceOffer } from "$shared/api/types";
import type { Language } from "$shared/i18n/language.svelte";
import type { Need, OfficeBooking } from "../types";

/** `minutes_per_further_person` is null where a service is for one person alone. */
export type OfferedService = ServiceOffer & { readonly minutes_per_further_person?: number | null };

export interface Choice {
  readonly serviceId: string;
  readonly persons: number;
  readonly options: Readonly<Record<string, string>>;
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

/** Put a service in or take it out. What has one choice only is chosen already. */
export function toggled(choices: readonly Choice[], service: OfferedService): Choice[] {
  if (choices.some((one) => one.serviceId === service.id)) return choices.filter((one) => one.serviceId !== service.id);
  const options = Object.fromEntries(service.options.map((option) => [option.id, option.choices[0]?.id ?? ""]));
  return [...choices, { serviceId: service.id, persons: 1, options }];
}

export function withPersons(choices: readonly Choice[], serviceId: string, persons: number): Choice[] {
  const wanted = Math.min(MAX_PERSONS, Math.max(1, persons));
  return choices.map((one) => (one.serviceId === serviceId ? { ...one, persons: wanted } : one));
}

export function withOption(choices: readonly Choice[], serviceId: string, option: string, choice: string): Choice[] {
  return choices.map((one) => (one.serviceId === serviceId ? { ...one, options: { ...one.options, [option]: choice } } : one));
}

const folded = (text: string): string =>
  text
    .toLocaleLowerCase("de")
    .replaceAll("ß", "ss")
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "");

/** Services whose names hold every typed word, in any language; those that begin with the first word come first. */
export function matching<S extends Pick<ServiceOffer, "id" | "name">>(services: readonly S[], typed: string): S[] {
  const words = folded(typed).split(/\s+/).filter(Boolean);
  const text = (service: S): string => folded(`${service.name.de} ${service.name.en} ${service.id}`);
  const begins = (service: S): boolean => words.length > 0 && [service.name.de, service.name.en].some((name) => folded(name).startsWith(words[0] ?? ""));
  const found = services.filter((service) => words.every((word) => text(service).includes(word)));
  return [...found.filter(begins), ...found.filter((service) => !begins(service))];
}

/** A telephone number as it travels (E.164); German when it has no country. Null when it cannot be one. */
export function phoneNumber(typed: string): string | null {
  const compact = typed.trim().replace(/^\+?\(?\+/, "+").replace(/\(0\)/, "").replace(/[\s()/.–-]/g, "");
  const number = compact.replace(/^00/, "+").replace(/^0/, "+49");
  return /^\+[1-9]\d{5,14}$/.test(number) ? number : null;
}

export type BookingField = "services" | "slot" | "name" | "email" | "phone";

/** What still keeps the booking from being sent, in the order of the form. */
export function missing(draft: BookingDraft): BookingField[] {
  const gaps: BookingField[] = [];
  if (draft.choices.length === 0) gaps.push("services");
  if (draft.startsAt === null) gaps.push("slot");
  if (draft.name.trim() === "") gaps.push("name");
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(draft.email.trim())) gaps.push("email");
  if (draft.phone.trim() !== "" && phoneNumber(draft.phone) === null) gaps.push("phone");
  return gaps;
}

/** What is sent; only for a draft that misses nothing. */
export function toBooking(draft: BookingDraft): OfficeBooking {
  const phone = phoneNumber(draft.phone);
  return {
    services: draft.choices.map(({ serviceId, persons, options }) => ({ service_id: serviceId, persons, options })),
    starts_at: draft.startsAt ?? "",
    name: draft.name.trim(),
    email: draft.email.trim(),
    ...(phone === null ? {} : { phone }),
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
