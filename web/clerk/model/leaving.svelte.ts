/** What of a case is not on the server: typed values on their way, a record of the identity check in the making, or nothing. */
export type Unsaved = "values" | "check" | null;

/**
 * Going elsewhere ends a running call for both: whoever leaves is asked once. Nobody waits for the server then, since the
 * workbench goes on saving what was typed.
 */
export class Leaving {
  /** Where to go once it is decided; null while nobody wants to leave. */
  asked = $state.raw<(() => void) | null>(null);
  /** As it stood when the question was put; behind it nobody types. */
  unsaved = $state<Unsaved>(null);
  #release: () => void = () => undefined;

  constructor(
    private readonly inCall: () => boolean,
    private readonly held: () => Unsaved,
  ) {}

  /** Goes to another page: asks before `go` when a call is on; else goes at once. */
  guard = (go: () => void): void =>
    this.ask(() => {
      this.#release();
      go();
    });

  /** Asks before what may yet end with staying here (signing out): links ask afterwards as before. */
  ask = (run: () => void): void => {
    if (!this.inCall()) return run();
    this.unsaved = this.held();
    this.asked = run;
  };

  /** Links and the back button ask through the router while `hold` holds it. Returns how to let go. */
  hold(hold: (ask: (go: () => void) => void) => () => void): () => void {
    this.#release = hold(this.guard);
    return this.#release;
  }
}
