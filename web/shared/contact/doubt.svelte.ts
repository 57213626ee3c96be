import { cleanEmail } from "./email";
import { meantEmail } from "./typos";

/** What somebody in this tab said is right: it is not asked about again. In memory only. */
const sure = new Set<string>();
/** A pause in typing after which the address is looked at. */
const TYPED_MS = 900;
/** Longer than a click takes: what appears must not push away the button that is just being pressed. */
const LEFT_MS = 300;

/** Doubts about one address field: looked at in a pause of typing, or once the field was left. Never in the way. */
export class Doubt {
  /** What was probably meant, while that is worth asking. */
  meant = $state<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ask: (meant: string) => void;

  /** `ask` announces the question, once for each. */
  constructor(ask: (meant: string) => void) {
    this.#ask = ask;
  }

  typed(address: string): void {
    if (this.meant !== null && meantEmail(address) !== this.meant) this.meant = null;
    this.#soon(address, TYPED_MS);
  }

  /** The field was left. Returns the address without what pasting brought along. */
  left(address: string): string {
    const clean = cleanEmail(address);
    this.#soon(clean, LEFT_MS);
    return clean;
  }

  /** What was meant is taken: the new address. */
  accept(): string {
    const { meant } = this;
    this.stop();
    return meant ?? "";
  }

  /** It is right as it is. */
  decline(address: string): void {
    sure.add(cleanEmail(address).toLowerCase());
    this.stop();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.meant = null;
  }

  #soon(address: string, wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(address), wait);
  }

  #look(address: string): void {
    const meant = sure.has(cleanEmail(address).toLowerCase()) ? null : meantEmail(address);
    if (meant === this.meant) return;
    this.meant = meant;
    if (meant !== null) this.#ask(meant);
  }
}
