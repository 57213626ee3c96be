/**
 * Paying in a window of its own, while the call goes on.
 *
 * The window must be opened in the click itself, or it is blocked; its address comes later. The return page reports on a
 * BroadcastChannel, but a closed window reports nothing, so both lead to the same act: the payment service asks the
 * provider what is true.
 */

import { State, type Told } from "$shared/state";

import type { PaymentOrder } from "$shared/api/types";

export type PaymentStep = "ready" | "opening" | "waiting" | "checking" | "done" | "cancelled" | "unfinished" | "failed" | "blocked" | "problem";

export interface PaymentState {
  step: PaymentStep;
  /** Where to pay, for a link when the window was blocked. */
  approvalUrl: string | null;
  problem: unknown;
}

/** The window of the provider, as little of it as we need. */
export interface PaymentWindow {
  readonly closed: boolean;
  location: { href: string };
  close(): void;
}

export interface PaymentOptions {
  approval: () => Promise<{ readonly approval_url: string }>;
  authorise: () => Promise<PaymentOrder>;
  open: () => PaymentWindow | null;
  /** Runs about once a second while we wait; the answer cancels. */
  every?: (run: () => void) => () => void;
  onpaid: () => void;
}

export const PAYMENT_CHANNEL = "schalter-payment";

const everySecond = (run: () => void): (() => void) => {
  const timer = setInterval(run, 1000);
  return () => clearInterval(timer);
};

export class PaymentFlow {
  readonly state: Told<PaymentState>;
  readonly #store = new State<PaymentState>({ step: "ready", approvalUrl: null, problem: null });
  #step: PaymentStep = "ready";
  #window: PaymentWindow | null = null;
  #stopWatching: (() => void) | null = null;

  constructor(private readonly options: PaymentOptions) {
    this.state = this.#store;
    this.#store.subscribe(({ step }) => (this.#step = step));
  }

  /** Call in the click. */
  async pay(): Promise<void> {
    if (this.#step === "opening" || this.#step === "checking") return;
    this.#closeWindow();
    const opened = this.options.open();
    this.#set({ step: "opening", approvalUrl: null, problem: null });
    try {
      const { approval_url } = await this.options.approval();
      this.#set({ approvalUrl: approval_url, step: opened ? "waiting" : "blocked" });
      if (!opened) return;
      opened.location.href = approval_url;
      this.#watch(opened);
    } catch (problem) {
      opened?.close();
      this.#set({ step: "problem", problem });
    }
  }

  /** The person follows the plain link instead of the blocked window. */
  followLink(): void {
    this.#set({ step: "waiting" });
  }

  /** What the return page says. */
  async returned(outcome: unknown): Promise<void> {
    this.#closeWindow();
    await this.#check(outcome === "cancelled" ? "cancelled" : "unfinished");
  }

  stop(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }

  #watch(opened: PaymentWindow): void {
    this.#window = opened;
    this.#stopWatching?.();
    this.#stopWatching = (this.options.every ?? everySecond)(() => {
      if (!opened.closed || this.#window !== opened) return;
      this.#closeWindow();
      if (this.#step === "waiting") void this.#check("unfinished");
    });
  }

  async #check(otherwise: "cancelled" | "unfinished"): Promise<void> {
    if (this.#step === "checking" || this.#step === "done") return;
    this.#set({ step: "checking" });
    try {
      const { state } = await this.options.authorise();
      if (state === "authorised" || state === "captured") {
        this.#set({ step: "done" });
        this.options.onpaid();
      } else this.#set({ step: state === "failed" || state === "voided" ? "failed" : otherwise });
    } catch (problem) {
      const status = (problem as { status?: number }).status;
      // 409: the provider knows of no approval yet, which is an answer and no fault.
      this.#set(status === 409 ? { step: otherwise } : { step: "problem", problem });
    }
  }

  #closeWindow(): void {
    this.stop();
    const opened = this.#window;
    this.#window = null;
    if (opened && !opened.closed) opened.close();
  }

  #set(change: Partial<PaymentState>): void {
    this.#store.patch(change);
  }
}
