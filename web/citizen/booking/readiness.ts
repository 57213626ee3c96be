import type { ServiceOffer } from "$shared/api/types";
import type { LocalisedText } from "$shared/i18n/language.svelte";

export interface Missing {
  /** Id of the first control of the question or option. */
  readonly field: string;
  readonly kind: "question" | "option";
  readonly text: LocalisedText;
}

export const questionField = (service: string, question: string): string => `question-${service}-${question}`;
export const optionField = (service: string, option: string): string => `option-${service}-${option}`;

/** What is still unanswered about the chosen services, in the order of the page. */
export function missingAnswers(
  chosen: readonly Pick<ServiceOffer, "id" | "questions" | "options">[],
  answerOf: (service: string, question: string) => boolean | undefined,
  optionOf: (service: string, option: string) => string | undefined,
): readonly Missing[] {
  return chosen.flatMap((service) => [
    ...service.questions
      .filter((question) => answerOf(service.id, question.id) === undefined)
      .map((question): Missing => ({ field: questionField(service.id, question.id), kind: "question", text: question.text })),
    ...service.options
      .filter((option) => !optionOf(service.id, option.id))
      .map((option): Missing => ({ field: optionField(service.id, option.id), kind: "option", text: option.name })),
  ]);
}

/** Whether an address could be one; the mail that arrives or not is the real test. */
export function looksLikeEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(text.trim());
}
