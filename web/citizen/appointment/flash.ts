/** Good news for the page that opens next, such as "Your appointment has been moved". */
export interface News {
  readonly title: string;
  readonly text: string;
}

/** Something that one page leaves for the next, which takes it once. */
class Left<T> {
  #left: T | null = null;

  leave(something: T): void {
    this.#left = something;
  }

  take(): T | null {
    const something = this.#left;
    this.#left = null;
    return something;
  }
}

export const flash = new Left<News>();
/** The address to which the link has just been sent anew. */
export const corrected = new Left<string>();
