import { localised } from "$shared/i18n/language.svelte";
import { services as texts } from "$shared/i18n/services";
import type { Draft } from "./draft.svelte";
import { missingAnswers } from "$shared/booking/readiness";

/** The service takes no more in one appointment. */
const MOST_SERVICES = 8;

interface Open {
  readonly field: string;
  /** For the summary above the form. */
  readonly message: string;
  /** For the field itself. */
  readonly atField: string;
}

/** Whether the choice of services is complete, and what is missing. */
export class Choice {
  /** What was missing when the form was last sent; what is chosen afterwards is not blamed at once. */
  #blamed = $state<readonly string[]>([]);

  constructor(private readonly draft: Draft) {}

  get open(): readonly Open[] {
    const { draft } = this;
    const [first] = draft.chosen.length > 0 ? draft.chosen : draft.office.services;
    if (draft.items.length === 0) {
      const message = draft.chosen.length > 0 ? texts.blockedAll : texts.missing;
      return [{ field: `service-${first?.id ?? ""}`, message, atField: message }];
    }
    if (draft.items.length > MOST_SERVICES) {
      const message = texts.tooMany(MOST_SERVICES);
      return [{ field: `service-${first?.id ?? ""}`, message, atField: message }];
    }
    return missingAnswers(
      draft.chosen,
      (service, question) => draft.answerOf(service, question),
      (service) => draft.options.get(service),
    ).map(({ field, kind, text }) => ({
      field,
      message: texts.stillOpen(localised(text)),
      atField: kind === "question" ? texts.answerMissing : texts.optionMissing,
    }));
  }

  /** What to show as missing. */
  get shown(): readonly Open[] {
    return this.open.filter(({ field }) => this.#blamed.includes(field));
  }

  /** The same as messages by field. */
  get errors(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.shown.map(({ field, atField }) => [field, atField]));
  }

  /** Asks whether one may go on; what is missing is shown from now on. */
  complete(): boolean {
    const { open } = this;
    this.#blamed = open.map(({ field }) => field);
    return open.length === 0;
  }
}
