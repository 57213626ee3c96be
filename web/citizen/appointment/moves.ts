import { SvelteMap } from "svelte/reactivity";

import { serverNow } from "$shared/api/clock";
import { isProblem } from "$shared/api/problem";

/** Which appointments were moved as often as a day allows: told once, nobody chooses a time in vain again. */
export class Moves {
  readonly #until = new SvelteMap<string, number>();

  spent(appointmentId: string): boolean {
    return serverNow() < (this.#until.get(appointmentId) ?? 0);
  }

  /** Whether the refused move says so, which is remembered for as long as the service says. */
  learn(appointmentId: string, problem: unknown): boolean {
    if (!isProblem(problem, "limit_reached") || problem.extra["reason"] !== "link") return false;
    this.#until.set(appointmentId, serverNow() + (problem.retryAfter ?? 0) * 1000);
    return this.spent(appointmentId);
  }
}

export const moves = new Moves();
