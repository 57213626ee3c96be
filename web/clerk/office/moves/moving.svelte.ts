/** Moving an ill clerk's appointments: looked at first, and then exactly that is carried out. */
import { Intent } from "$shared/api/intent";
import { Latest } from "$shared/api/latest";
import type { Moves } from "../types";
import type { Period } from "./summary";

/** Whose appointments, and of when. */
export interface Wish {
  readonly lane: number;
  readonly period: Period;
}

export interface Preview extends Wish {
  readonly moves: Moves;
  /** Names by appointment, as far as they are known. */
  readonly names: ReadonlyMap<string, string | null>;
}

export interface MovingPorts {
  moves(wish: Wish, dryRun: boolean, key: string): Promise<Moves>;
  names(period: Period): Promise<Preview["names"]>;
}

export class Moving {
  /** What the choices as they stand would mean; null until somebody has looked. */
  preview = $state.raw<Preview | null>(null);
  done = $state.raw<Moves | null>(null);
  busy = $state<"preview" | "moves" | null>(null);
  problem = $state.raw<unknown>(null);
  /** Whose appointments the preview, the result or the failure is about. */
  lane = $state<number | null>(null);
  /** The choices changed while the move of what was looked at was running. */
  #overtaken = false;

  readonly #looking = new Latest();
  readonly #intent = new Intent();

  constructor(private readonly ports: MovingPorts) {}

  /** Looks what it would mean, without moving anybody. Whether that is shown now. */
  async look(wish: Wish): Promise<boolean> {
    if (this.busy !== null) return false;
    this.busy = "preview";
    this.lane = wish.lane;
    [this.preview, this.done, this.problem] = [null, null, null];
    // Another look is another act: what was moved then is not what is moved now.
    this.#intent.done();
    const dryRun = new Intent();
    await this.#looking.ask(() => Promise.all([this.ports.moves(wish, true, dryRun.key(wish)), this.ports.names(wish.period)]), {
      answer: ([moves, names]) => (this.preview = { ...wish, moves, names }),
      failure: (problem) => (this.problem = problem),
      settled: () => (this.busy = null),
    });
    return this.preview !== null;
  }

  /** A choice was changed: what was looked at, or is being looked at, is about something else. */
  changed(): void {
    if (this.busy === "moves") this.#overtaken = true;
    if (this.busy === "moves" || this.done !== null) return;
    this.#looking.drop();
    [this.preview, this.problem, this.busy] = [null, null, null];
  }

  /**
   * Moves what was looked at. Tried again after a failure it is the same act: who was moved and notified stays so.
   * After a failure under choices that changed meanwhile it has to be looked at again.
   */
  async confirm(): Promise<Moves | null> {
    const wish = this.preview;
    if (wish === null || this.busy !== null) return null;
    this.busy = "moves";
    this.#overtaken = false;
    this.problem = null;
    try {
      const { lane, period } = wish;
      this.done = await this.ports.moves(wish, false, this.#intent.key({ lane, period }));
      return this.done;
    } catch (problem) {
      this.problem = problem;
      if (this.#overtaken) this.preview = null;
      return null;
    } finally {
      this.busy = null;
    }
  }

  /** Back to the choice. */
  again(): void {
    this.done = null;
    this.changed();
  }
}
