/**
 * What is being done with single appointments. It goes on while another one is looked at, and while another page is; what
 * comes of it belongs to the appointment that it was done with: nothing is lost with a panel that closed, or with the week.
 */
import { announce } from "$shared/ui/announce";
import { nameOf } from "../parts/offer.svelte";
import type { AppointmentBrief } from "../types";

export interface Failure {
  readonly brief: AppointmentBrief;
  readonly problem: unknown;
}

/** Hears what was done, in words, and the new start of what was moved. */
type Done = (brief: AppointmentBrief, said: string, startsAt?: string) => void;

export class WeekActs {
  #whose: string | null = null;
  #week = $state.raw<Done | null>(null);
  #failures = $state.raw<readonly Failure[]>([]);
  #running = $state.raw<ReadonlySet<string>>(new Set());

  /** `away` hears of what was done when nobody looks at the week any more. */
  constructor(private readonly away: Done) {}

  /** The week is looked at by `clerk`, and `ondone` hears of it. Returns how to leave. Somebody else begins anew. */
  open(clerk: string, ondone: Done): () => void {
    if (this.#whose !== clerk) this.#failures = [];
    this.#whose = clerk;
    this.#week = ondone;
    return () => {
      if (this.#week === ondone) this.#week = null;
    };
  }

  /** What failed while `clerk` looks at another page than the week. */
  leftBehind(clerk: string): readonly Failure[] {
    return this.#week === null && this.#whose === clerk ? this.#failures : [];
  }

  runs(appointment: string): boolean {
    return this.#running.has(appointment);
  }

  /** Why the last act with an appointment failed; null when it did not. */
  problemOf(appointment: string): unknown {
    return this.#failures.find(({ brief }) => brief.appointment_id === appointment)?.problem ?? null;
  }

  /** What failed with appointments other than the one that is looked at, and has to be said with its name. */
  elsewhere(looked: string | null): readonly Failure[] {
    return this.#failures.filter(({ brief }) => brief.appointment_id !== looked);
  }

  /** One act at a time with each appointment; whether this one was done. */
  async act<T>(brief: AppointmentBrief, run: () => Promise<T>, said: string | ((answer: T) => string), startsAt?: string): Promise<boolean> {
    const id = brief.appointment_id;
    if (this.runs(id)) return false;
    this.forget(id);
    this.#running = new Set([...this.#running, id]);
    const whose = this.#whose;
    let answer: T;
    try {
      answer = await run();
    } catch (problem) {
      if (this.#whose === whose) this.#failures = [...this.#failures, { brief, problem }];
      return false;
    } finally {
      this.#running = new Set([...this.#running].filter((one) => one !== id));
    }
    (this.#week ?? this.away)(brief, typeof said === "string" ? said : said(answer), startsAt);
    return true;
  }

  /** The failure was read. */
  forget(appointment: string): void {
    this.#failures = this.elsewhere(appointment);
  }
}

export const weekActs = new WeekActs((brief, said) => announce(`${nameOf(brief)}: ${said}`));
