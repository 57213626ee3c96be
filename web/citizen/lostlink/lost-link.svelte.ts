import { bookingApi } from "$shared/api/booking";
import { Intent } from "$shared/api/intent";
import { isProblem } from "$shared/api/problem";
import { cleanEmail } from "$shared/contact/email";
import { looksLikeEmail } from "$shared/contact/rules";
import { booking } from "$shared/i18n/booking";
import { lostLink as texts } from "$shared/i18n/lost-link";

type Field = "reference" | "email";

/** Asking for a lost link: what is typed. The answer is the same whether or not there is such an appointment. */
export class LostLink {
  reference = $state("");
  email = $state("");
  busy = $state(false);
  /** Where it goes if there is such an appointment; null until it was asked for. */
  sentTo = $state<string | null>(null);
  problem = $state.raw<unknown>(null);
  #tried = $state(false);
  #refused = $state.raw<readonly Field[]>([]);
  readonly #intent = new Intent();

  constructor(private readonly office: string) {}

  get referenceError(): string | undefined {
    if (!this.#tried) return undefined;
    if (this.reference.trim() === "") return texts.referenceMissing;
    return looksLikeReference(this.reference) && !this.#refused.includes("reference") ? undefined : texts.referenceInvalid;
  }

  get emailError(): string | undefined {
    if (!this.#tried) return undefined;
    if (cleanEmail(this.email) === "") return booking.emailMissing;
    return looksLikeEmail(this.email) && !this.#refused.includes("email") ? undefined : booking.emailInvalid;
  }

  /** The field to correct first, if one is wrong. */
  get wrong(): Field | null {
    return this.referenceError ? "reference" : this.emailError ? "email" : null;
  }

  typed(field: Field): void {
    this.#refused = this.#refused.filter((each) => each !== field);
  }

  async send(): Promise<void> {
    if (this.busy) return;
    this.#tried = true;
    this.problem = null;
    if (this.wrong) return;
    const [reference, email] = [this.reference.trim(), cleanEmail(this.email)];
    this.busy = true;
    try {
      await bookingApi.askForLink(this.office, reference, email, this.#intent.key({ reference, email }));
      this.#intent.done();
      this.sentTo = email;
    } catch (problem) {
      const refused = isProblem(problem) && problem.status === 422 ? problem.errors.map(({ field }) => field) : [];
      this.#refused = (["reference", "email"] as const).filter((field) => refused.includes(field));
      if (this.#refused.length === 0) this.problem = problem;
    } finally {
      this.busy = false;
    }
  }

  /** Once more, with what was typed still there. */
  again(): void {
    this.sentTo = null;
    this.#tried = false;
  }
}

/** Two letters and six characters, however they are written: "ab 7k3m9q". */
export function looksLikeReference(text: string): boolean {
  return /^[A-Z]{2}[2-9A-Z]{6}$/.test(text.replace(/[\s\-\u2010-\u2015._/]+/g, "").toUpperCase());
}
