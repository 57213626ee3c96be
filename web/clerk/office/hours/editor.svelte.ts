/** A timetable that somebody edits: read, saved with its version, and brought together with what a colleague saved meanwhile. */
import { isProblem } from "$shared/api/problem";
import { officeApi } from "../api";
import type { Conflict, Timetable } from "../types";
import { merge, type Section } from "./timetable";

export class TimetableEditor {
  /** What the server holds, as far as we know; null before the first answer. */
  base = $state.raw<Timetable | null>(null);
  loadProblem = $state.raw<unknown>(null);
  saveProblem = $state.raw<unknown>(null);
  busy = $state(false);
  /** A colleague saved since we read: our version cannot be saved as it is. */
  overtaken = $state(false);
  /** Where our changes met the colleague's, after they were brought together; null when nothing was. */
  clashes = $state.raw<readonly Section[] | null>(null);
  saved = $state(false);
  /** Booked appointments that nobody is there for since the last save. */
  conflicts = $state.raw<readonly Conflict[]>([]);

  /** `show` draws a timetable into the form. */
  constructor(private readonly show: (timetable: Timetable) => void) {}

  async load(): Promise<void> {
    this.loadProblem = null;
    try {
      this.base = await officeApi.timetable();
      this.show(this.base);
    } catch (problem) {
      this.loadProblem = problem;
    }
  }

  /** Save what was edited; whether it was stored. */
  async save(mine: Timetable): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.saveProblem = null;
    this.saved = false;
    try {
      const { conflicts, ...stored } = await officeApi.saveTimetable(mine);
      this.base = stored;
      this.conflicts = conflicts;
      this.clashes = null;
      this.saved = true;
      this.show(stored);
      return true;
    } catch (problem) {
      this.overtaken = isProblem(problem, "timetable_changed");
      if (!this.overtaken) this.saveProblem = problem;
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** Read the colleague's version and put our changes into it. */
  async bringTogether(mine: Timetable): Promise<void> {
    const before = this.base;
    if (before === null || this.busy) return;
    this.busy = true;
    this.saveProblem = null;
    try {
      const theirs = await officeApi.timetable();
      const merged = merge(before, mine, theirs);
      this.base = theirs;
      this.clashes = merged.clashes;
      this.overtaken = false;
      this.show(merged.timetable);
    } catch (problem) {
      this.saveProblem = problem;
    } finally {
      this.busy = false;
    }
  }

  /** Give up what was edited. */
  discard(): void {
    this.saveProblem = null;
    this.overtaken = false;
    this.clashes = null;
    if (this.base !== null) this.show(this.base);
  }
}
