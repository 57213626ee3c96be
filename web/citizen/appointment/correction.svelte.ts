import { Intent } from "$shared/api/intent";
import { appointmentApi } from "$shared/api/links";
import { isProblem } from "$shared/api/problem";
import { citizenToken } from "$shared/api/session";
import type { AppointmentView, NewContact } from "$shared/api/types";
import { cleanEmail } from "$shared/contact/email";
import { address } from "$shared/i18n/address";
import { booking } from "$shared/i18n/booking";
import { phoneFault, sentPhone } from "$shared/contact/phones.svelte";
import { looksLikeEmail } from "$shared/contact/rules";
import { faultWords } from "$shared/contact/words";

type Field = "email" | "phone";

/** Why it cannot be corrected, in words; null for what has no words of its own. */
function explained(problem: unknown): string | null {
  if (isProblem(problem, "corrections_used_up")) return address.tooOften;
  if (isProblem(problem, "not_correctable")) return address.tooLate;
  return null;
}

/** Saying where to write to instead: what is typed, and the link that comes of it. */
export class Correction {
  email = $state("");
  phone = $state("");
  busy = $state(false);
  /** What went wrong and is no field's fault. */
  problem = $state<unknown>(null);
  #tried = $state(false);
  #refused = $state<{ readonly field: Field; readonly code: string } | null>(null);
  readonly #intent = new Intent();

  constructor(
    readonly before: Pick<AppointmentView, "email" | "phone">,
    private readonly token: string,
    /** Whether the telephone number is asked about, too. */
    private readonly withPhone: boolean,
  ) {
    this.email = before.email;
    this.phone = before.phone ?? "";
  }

  get emailError(): string | undefined {
    if (!this.#tried) return undefined;
    if (cleanEmail(this.email) === "") return booking.emailMissing;
    return !looksLikeEmail(this.email) || this.#refused?.field === "email" ? booking.emailInvalid : undefined;
  }

  get phoneError(): string | undefined {
    if (!this.#tried || !this.withPhone) return undefined;
    const fault = phoneFault(this.phone) ?? (this.#refused?.field === "phone" ? this.#refused.code : null);
    return fault === null ? undefined : faultWords("phone", fault, this.phone);
  }

  /** The field to correct first, if one is wrong. */
  get wrong(): Field | null {
    return this.emailError ? "email" : this.phoneError ? "phone" : null;
  }

  get reason(): string | null {
    return explained(this.problem);
  }

  typed(field: Field): void {
    if (this.#refused?.field === field) this.#refused = null;
  }

  /** Sends it. The new link's token and where it was mailed to, or null when a field is wrong or the service refused. */
  async send(): Promise<{ readonly token: string | null; readonly email: string } | null> {
    if (this.busy) return null;
    this.#tried = true;
    this.problem = null;
    if (this.wrong) return null;
    this.busy = true;
    try {
      const phone = sentPhone(this.phone);
      const contact: NewContact = { email: cleanEmail(this.email), ...(this.withPhone ? { phone: phone || null } : {}) };
      const { link } = await appointmentApi.correct(this.token, contact, this.#intent.key(contact));
      return { token: citizenToken(new URL(link).hash), email: contact.email };
    } catch (error) {
      const refused = isProblem(error) && error.status === 422 ? error.errors.find(({ field }) => field === "email" || field === "phone") : undefined;
      if (refused) this.#refused = { field: refused.field as Field, code: refused.code };
      else this.problem = error;
      return null;
    } finally {
      this.busy = false;
    }
  }
}
