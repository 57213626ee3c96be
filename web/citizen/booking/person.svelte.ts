import type { FieldError } from "$shared/api/problem";
import type { Contact, Need, OfficeInfo } from "$shared/api/types";
import { oneLine } from "$shared/contact/characters";
import { cleanEmail } from "$shared/contact/email";
import { phoneFault, sentPhone } from "$shared/contact/phones.svelte";
import { looksLikeEmail } from "$shared/contact/rules";
import { faultWords, invisibleWords } from "$shared/contact/words";
import { address } from "$shared/i18n/address";
import { booking } from "$shared/i18n/booking";
import { clocksDiffer, ownTimeZone } from "$shared/i18n/format";
import { isLanguage, language, type Language } from "$shared/i18n/language.svelte";

type Field = "name" | "email" | "phone";

export interface FieldProblem {
  readonly field: Field;
  readonly message: string;
}

interface Typed {
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly language: Language;
  readonly plain: boolean;
  readonly needs: readonly Need[];
}

const STORAGE_KEY = "schalter-person";

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
  /** Why the service refused a field, as its code; typing there takes it back. */
  #refused = $state<Readonly<Partial<Record<Field, string>>>>({});

  constructor(offered: readonly Language[] = []) {
    if (offered.length > 0 && !offered.includes(this.language)) this.language = offered[0]!;
  }

  /** Puts aside what was typed for the one reload that the page itself asks for. */
  putAside(): void {
    const { name, email, phone, language, plain, needs } = this;
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ name, email, phone, language, plain, needs } satisfies Typed));
    } catch {
      // Without storage it has to be typed again.
    }
  }

  /** Takes back what was put aside, and leaves nothing of it behind. */
  takeBack(): void {
    try {
      const typed = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null") as Partial<Typed> | null;
      sessionStorage.removeItem(STORAGE_KEY);
      this.name = typed?.name ?? this.name;
      this.email = typed?.email ?? this.email;
      this.phone = typed?.phone ?? this.phone;
      this.speak(typed?.language);
      this.plain = typed?.plain ?? this.plain;
      this.needs = typed?.needs ?? this.needs;
    } catch {
      // Unreadable means nothing was put aside.
    }
  }

  get problems(): readonly FieldProblem[] {
    const found: FieldProblem[] = [];
    const refused = (field: Field): string | null => (this.#refused[field] === undefined ? null : faultWords(field, this.#refused[field], this[field]));
    const name = oneLine(this.name) === "" ? booking.nameMissing : (invisibleWords(this.name, address.inTheName) ?? refused("name"));
    if (name !== null) found.push({ field: "name", message: name });
    const email = cleanEmail(this.email) === "" ? booking.emailMissing : looksLikeEmail(this.email) ? refused("email") : booking.emailInvalid;
    if (email !== null) found.push({ field: "email", message: email });
    const fault = phoneFault(this.phone);
    const phone = fault === null ? refused("phone") : faultWords("phone", fault, this.phone);
    if (phone !== null) found.push({ field: "phone", message: phone });
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
    if (field in this.#refused) this.#refused = { ...this.#refused, [field]: undefined };
  }

  speak(value: string | undefined): void {
    if (isLanguage(value)) this.language = value;
  }

  /** Takes over what the service refused; false when none of it is one of these fields. */
  refuse(errors: readonly FieldError[]): boolean {
    const own = errors.filter(({ field }) => ["name", "email", "phone"].includes(field));
    this.#refused = Object.fromEntries(own.map(({ field, code }) => [field, code]));
    return own.length > 0;
  }

  /** As the service takes it. The time zone goes along when this device's clock differs from the office's then. */
  contact(office: Pick<OfficeInfo, "time_zone">, at: string | Date, zone: string = ownTimeZone(office.time_zone)): Contact {
    const phone = sentPhone(this.phone);
    return {
      name: oneLine(this.name),
      email: cleanEmail(this.email),
      ...(phone ? { phone } : {}),
      language: this.language,
      plain_language: this.plain,
      needs: [...this.needs],
      ...(clocksDiffer(zone, office.time_zone, at) ? { time_zone: zone } : {}),
    };
  }
}
