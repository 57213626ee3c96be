import { address } from "$shared/i18n/address";
import { booking } from "$shared/i18n/booking";
import { language } from "$shared/i18n/language.svelte";
import { codePoint, invisible } from "./characters";
import type { ReadPhone } from "./phones.svelte";

/** Why a field about a person cannot be taken, by the code that the service gives (libs/contracts, people.py). */
export function faultWords(field: "name" | "email" | "phone", code: string, typed: string): string {
  if (field === "name") return invisibleWords(typed, address.inTheName) ?? booking.nameInvalid;
  if (field === "email") return booking.emailInvalid;
  if (code === "phone_service") return address.phoneService;
  return code === "phone_incomplete" ? address.phoneIncomplete : booking.phoneInvalid;
}

/** That a text holds a character that nobody sees, and which; null if it holds none. */
export function invisibleWords(text: string, where: string = address.here): string | null {
  const character = invisible(text);
  return character === null ? null : address.invisible(where, kind(character), codePoint(character));
}

function kind(character: string): string {
  if (/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(character)) return address.directional;
  if (/[\u200b-\u200d\u2060\ufeff]/.test(character)) return address.zeroWidth;
  if (/[\n\r\u0085\u2028\u2029]/.test(character)) return address.lineBreak;
  return address.unseen;
}

/** "+41 79 123 45 67 (Schweiz)". */
export function phoneWords(phone: ReadPhone): string {
  if (phone.country === null) return phone.shown;
  return `${phone.shown} (${new Intl.DisplayNames([language.current], { type: "region" }).of(phone.country) ?? phone.country})`;
}
