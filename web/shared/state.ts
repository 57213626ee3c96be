/** A `State` for those who only read it. */
export interface Told<T> {
  readonly value: T;
  subscribe(reader: (value: T) => void): () => void;
}

/**
 * A value that tells its readers when it changes.
 *
 * It keeps Svelte's store contract (`subscribe` calls back at once and returns the way out), so that
 * components read it as `$name` while the models themselves import no framework and run in plain tests.
 */
export class State<T> implements Told<T> {
  #value: T;
  #readers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  /** The value now. */
  get value(): T {
    return this.#value;
  }

  /** Replace the value and tell every reader; the same reference tells nobody. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const reader of [...this.#readers]) reader(value);
  }

  /** Change some members of an object value. */
  patch(change: Partial<T>): void {
    this.set({ ...this.#value, ...change });
  }

  /** Read now and on every change, until the returned function is called. */
  subscribe(reader: (value: T) => void): () => void {
    this.#readers.add(reader);
    reader(this.#value);
    return () => {
      this.#readers.delete(reader);
    };
  }
}
