import type { Contact, Need, OfficeInfo } from "$shared/api/types";
import { booking } from "$shared/i18n/booking";
import { clocksDiffer, ownTimeZone } from "$shared/i18n/format";
import { isLanguage, language, type Language } from "$shared/i18n/language.svelte";
import { looksLikeEmail, looksLikePhone } from "./contact";

type Field = "name" | "email" | "phone";

export interface FieldProblem {
  readonly field: Field;
  readonly message: string;
}

/** What somebody tells about themselves, as typed so far. Kept in memory only: it is personal. */
export class Person {
  name = $state("");
  email = $state("");
  phone = $state("");
  language = $state<Language>(language.current);
  /** Mails in short and simple sentences. */
  plain = $state(false);
  needs = $state<readonly Need[]>([]);
  /** Set by the first attempt to send: before it nobody is blamed for what they are just typing. */
  tried = $state(false);
  /** What the service refused, by its field names; typing there takes it back. */
  #refused = $state<Readonly<Record<string, string>>>({});

  constructor(offered: readonly Language[] = []) {
    if (offered.length > 0 && !offered.includes(this.language)) this.language = offered[0]!;
  }

  get problems(): readonly FieldProblem[] {
    const found: FieldProblem[] = [];
    if (this.name.trim() === "") found.push({ field: "name", message: booking.nameMissing });
    else if (this.#refused["name"]) found.push({ field: "name", message: booking.nameInvalid });
    if (this.email.trim() === "") found.push({ field: "email", message: booking.emailMissing });
    else if (!looksLikeEmail(this.email) || this.#refused["email"]) found.push({ field: "email", message: booking.emailInvalid });
    if (this.phone.trim() !== "" && (!looksLikePhone(this.phone) || this.#refused["phone"])) {
      found.push({ field: "phone", message: booking.phoneInvalid });
    }
    return found;
  }

  /** The problems to show: none before the first attempt. */
  get shown(): readonly FieldProblem[] {
    return this.tried ? this.problems : [];
  }

  errorOf(field: Field): string | undefined {
    return this.shown.find((problem) => problem.field === field)?.message;
  }

  typed(field: Field): void {
    if (this.#refused[field]) this.#refused = { ...this.#refused, [field]: "" };
  }

  speak(value: string | undefined): void {
    if (isLanguage(value)) this.language = value;
  }

  /** Takes over what the service refused; false when none of it is one of these fields. */
  refuse(errors: readonly { readonly field: string; readonly message: string }[]): boolean {
    const own = errors.filter(({ field }) => ["name", "email", "phone"].includes(field));
    this.#refused = Object.fromEntries(own.map(({ field, message }) => [field, message]));
    return own.length > 0;
  }

  /** As the service takes it. The time zone goes along when this device's clock differs from the office's then. */
  contact(office: Pick<OfficeInfo, "time_zone">, at: string | Date, zone: string = ownTimeZone()): Contact {
    const phone = this.phone.trim();
    return {
      name: this.name.trim(),
      email: this.email.trim(),
      ...(phone ? { phone } : {}),
      language: this.language,
      plain_language: this.plain,
      needs: [...this.needs],
      ...(clocksDiffer(zone, office.time_zone, at) ? { time_zone: zone } : {}),
    };
  }
}
