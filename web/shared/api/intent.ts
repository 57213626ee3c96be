/**
 * One intended write and the Idempotency-Key that goes with it: the same key while the same thing is tried again (after a
 * lost answer it is the same act), another one as soon as something else is wanted.
 */
export class Intent {
  #key: string | null = null;
  #content = "";

  /** The key for this content: everything that makes the write what it is. */
  key(content: unknown): string {
    const text = JSON.stringify(content);
    if (this.#key === null || text !== this.#content) [this.#key, this.#content] = [crypto.randomUUID(), text];
    return this.#key;
  }

  /** It is done, or wanted no longer: the next one is another, even with the same content. */
  done(): void {
    this.#key = null;
  }
}
