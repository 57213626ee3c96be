import { parsePhoneNumberFromString } from "libphonenumber-js/min";

/** A number without a country's code is one of the country that the offices are in. */
const COUNTRY = "DE";

export interface ReadPhone {
  /** As it travels: "+491712345678". */
  readonly e164: string;
  /** Where it is, as ISO 3166; null where several countries share a code. */
  readonly country: string | null;
  /** As people read it: "+49 171 2345678". */
  readonly shown: string;
  /** Typed with its country's code. */
  readonly international: boolean;
}

/** Why a number cannot be taken, in the service's words (libs/contracts, people.py). */
export type PhoneFault = "phone_invalid" | "phone_service" | "phone_incomplete";

/** What a number means to whoever dials it here. */
export function readPhone(text: string): ReadPhone | PhoneFault {
  const digits = text.replace(/\p{Default_Ignorable_Code_Point}/gu, "").normalize("NFKC").replace(/[\s()/.\-\u2010-\u2015]/g, "");
  if (!/^\+?\d+$/.test(digits)) return "phone_invalid";
  const number = parsePhoneNumberFromString(digits, { defaultCountry: COUNTRY, extract: false });
  const own = number?.countryCallingCode === "49";
  // Emergency calls (110, 112) and services (115, 116117, 118...): nobody is called back there.
  if (/^0?11\d{1,4}$/.test(digits) || (own && /^0*11\d{1,4}$/.test(number.nationalNumber))) return "phone_service";
  if (number && !/^[+0]/.test(digits)) return "phone_incomplete";
  if (!number?.isPossible() || (own && !number.isValid())) return "phone_invalid";
  return { e164: number.number, country: number.country ?? null, shown: number.formatInternational(), international: /^(\+|00)/.test(digits) };
}
