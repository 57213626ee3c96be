/**
 * What is being done with single appointments. It goes on while another one is looked at, and what comes of it belongs to
 * the appointment that it was done with: nothing is lost with a panel that closed.
 */
import type { AppointmentBrief } from "../types";

export interface Failure {
  readonly brief: AppointmentBrief;
  readonly problem: unknown;
}

export class WeekActs {
  #failures = $state.raw<readonly Failure[]>([]);
  #running = $state.raw<ReadonlySet<string>>(new Set());

  /** `ondone` hears what was done, in words, and the new start of what was moved. */
  constructor(private readonly ondone: (brief: AppointmentBrief, said: string, startsAt?: string) => void) {}

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
    let answer: T;
    try {
      answer = await run();
    } catch (problem) {
      this.#failures = [...this.#failures, { brief, problem }];
      return false;
    } finally {
      this.#running = new Set([...this.#running].filter((one) => one !== id));
    }
    this.ondone(brief, typeof said === "string" ? said : said(answer), startsAt);
    return true;
  }

  /** The failure was read. */
  forget(appointment: string): void {
    this.#failures = this.elsewhere(appointment);
  }
}
