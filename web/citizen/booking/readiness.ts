import type { Question, ServiceOffer } from "$shared/api/types";
import type { LocalisedText } from "$shared/i18n/language.svelte";

export interface Missing {
  /** Id of the first control of the question or option. */
  readonly field: string;
  readonly kind: "question" | "option";
  readonly text: LocalisedText;
}

type AnswerOf = (service: string, question: string) => boolean | undefined;
type Asked = Pick<ServiceOffer, "id" | "questions">;

export const questionField = (service: string, question: string): string => `question-${service}-${question}`;
export const optionField = (service: string, option: string): string => `option-${service}-${option}`;

/** Whether an answer is another than the call needs. */
export function isWrong(question: Pick<Question, "expected">, answer: boolean | undefined): boolean {
  return answer !== undefined && answer !== question.expected;
}

/** The question whose answer means that no call can finish the service; null while it can. */
export function blockOf(service: Asked, answerOf: AnswerOf): Question | null {
  return service.questions.find((question) => question.blocks && isWrong(question, answerOf(service.id, question.id))) ?? null;
}

/** What is still unanswered about the chosen services, in the order of the page. A blocked service is asked nothing more. */
export function missingAnswers(
  chosen: readonly (Asked & Pick<ServiceOffer, "options">)[],
  answerOf: AnswerOf,
  optionOf: (service: string, option: string) => string | undefined,
): readonly Missing[] {
  return chosen
    .filter((service) => blockOf(service, answerOf) === null)
    .flatMap((service) => [
      ...service.questions
        .filter((question) => answerOf(service.id, question.id) === undefined)
        .map((question): Missing => ({ field: questionField(service.id, question.id), kind: "question", text: question.text })),
      ...service.options
        .filter((option) => !optionOf(service.id, option.id))
        .map((option): Missing => ({ field: optionField(service.id, option.id), kind: "option", text: option.name })),
    ]);
}
