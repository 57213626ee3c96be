import type { Question, ServiceOffer } from "$shared/api/types";
import type { LocalisedText } from "$shared/i18n/language.svelte";
import { optionsOf } from "./bring";

export interface Missing {
  /** Id of the first control of the question or option. */
  readonly field: string;
  readonly kind: "question" | "option";
  readonly text: LocalisedText;
}

type AnswerOf = (service: string, question: string) => boolean | undefined;
type Waived = (service: string) => boolean;
type Asked = Pick<ServiceOffer, "id" | "questions">;

export const questionField = (service: string, question: string): string => `question-${service}-${question}`;
export const optionField = (service: string, option: string): string => `option-${service}-${option}`;

/** Whether an answer is another than the call needs. */
export function isWrong(question: Pick<Question, "expected">, answer: boolean | undefined): boolean {
  return answer !== undefined && answer !== question.expected;
}

/**
 * The question whose answer means that no call can finish the service; null while it can. A clerk may waive what a visit
 * to the office settles (`waived`); what no visit helps with is never waived.
 */
export function blockOf(service: Asked, answerOf: AnswerOf, waived: Waived = () => false): Question | null {
  const blocks = (question: Question): boolean => question.blocks && isWrong(question, answerOf(service.id, question.id));
  return service.questions.find((question) => blocks(question) && !(question.on_site && waived(service.id))) ?? null;
}

/** What is still unanswered about the chosen services, in the order of the page. A blocked service is asked nothing more. */
export function missingAnswers(
  chosen: readonly (Asked & Pick<ServiceOffer, "options">)[],
  answerOf: AnswerOf,
  chosenOf: (service: string) => Readonly<Record<string, string>> | undefined,
  waived?: Waived,
): readonly Missing[] {
  return chosen
    .filter((service) => blockOf(service, answerOf, waived) === null)
    .flatMap((service) => [
      ...service.questions
        .filter((question) => answerOf(service.id, question.id) === undefined)
        .map((question): Missing => ({ field: questionField(service.id, question.id), kind: "question", text: question.text })),
      ...service.options
        .filter((option) => !optionsOf(service, chosenOf(service.id))[option.id])
        .map((option): Missing => ({ field: optionField(service.id, option.id), kind: "option", text: option.name })),
    ]);
}
