/** Something that was asked. `open` until something else is asked or it is given up: then its answer counts no more. */
export interface Question {
  readonly open: boolean;
}

/** What is done with an answer that still counts. */
export interface Heard<T> {
  answer(value: T): void;
  /** Without it the failure is thrown. */
  failure?(problem: unknown): void;
  /** After either. */
  settled?(): void;
}

/**
 * One question at a time. Answers come in any order, and people go on meanwhile: the answer to a question that is no
 * longer asked is dropped, be it a success or a failure.
 */
export class Latest {
  #current: { open: boolean } | null = null;

  /** Asks: whatever was asked before counts no more. */
  begin(): Question {
    this.drop();
    this.#current = { open: true };
    return this.#current;
  }

  /** Gives up what is being asked; nothing is asked in its place. */
  drop(): void {
    if (this.#current) this.#current.open = false;
    this.#current = null;
  }

  /**
   * Asks, and hands the answer on if it still counts; whether it did. `ask` gets its question, to look at between steps.
   *
   * @throws whatever `ask` throws, if it still counts and nobody hears failures
   */
  async ask<T>(ask: (question: Question) => Promise<T>, heard: Heard<T>): Promise<boolean> {
    const question = this.begin();
    let told: () => void;
    try {
      const value = await ask(question);
      told = () => heard.answer(value);
    } catch (problem) {
      told = () => {
        if (!heard.failure) throw problem;
        heard.failure(problem);
      };
    }
    if (!question.open) return false;
    try {
      told();
    } finally {
      heard.settled?.();
    }
    return true;
  }
}
