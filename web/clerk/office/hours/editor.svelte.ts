/** A timetable that somebody edits: read, saved with its version, and brought together with what a colleague saved meanwhile. */
import { isProblem } from "$shared/api/problem";
import type { Conflict, SavedTimetable, Timetable } from "../types";
import { merge, same, type Section } from "./timetable";

/** The page's form, which goes on being typed in whatever is under way. */
export interface TimetableForm {
  /** Draws a timetable, in place of what was typed. */
  show(timetable: Timetable): void;
  /** The timetable as it stands in the form, on top of what is known to be stored; null before there is a form. */
  read(): Timetable | null;
  /** Something typed is wrong or unfinished, and cannot be sent. */
  faulty(): boolean;
  /** Everything in the form as it was typed: differs whenever something was typed. */
  typed(): string;
  /** Takes over what was stored of `sent` and keeps what was typed since: new entries got their numbers. */
  adopt?(sent: Timetable, stored: Timetable): void;
}

export interface TimetablePorts {
  timetable(): Promise<Timetable>;
  saveTimetable(timetable: Timetable): Promise<SavedTimetable>;
}

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
  /** The last save took over everything that was typed. */
  saved = $state(false);
  /** Booked appointments that nobody is there for since the last save. */
  conflicts = $state.raw<readonly Conflict[]>([]);

  constructor(
    private readonly form: TimetableForm,
    private readonly ports: TimetablePorts,
  ) {}

  async load(): Promise<void> {
    this.loadProblem = null;
    try {
      this.base = await this.ports.timetable();
      this.form.show(this.base);
    } catch (problem) {
      this.loadProblem = problem;
    }
  }

  /** Saves what is typed, and then what was typed meanwhile, until nothing is left; whether all of it is stored. */
  async save(): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.saveProblem = null;
    this.saved = false;
    try {
      while (!this.saved && !this.form.faulty()) {
        const mine = this.form.read();
        if (mine === null) break;
        this.saved = await this.#saveOnce(mine);
      }
    } catch (problem) {
      this.overtaken = isProblem(problem, "timetable_changed");
      if (!this.overtaken) this.saveProblem = problem;
    } finally {
      this.busy = false;
    }
    return this.saved;
  }

  /** Whether that was all: nothing was typed while it was being saved. */
  async #saveOnce(mine: Timetable): Promise<boolean> {
    const typed = this.form.typed();
    const { conflicts, ...stored } = await this.ports.saveTimetable(mine);
    const all = this.form.typed() === typed;
    if (!all) this.form.adopt?.(mine, stored);
    this.base = stored;
    this.conflicts = conflicts;
    this.clashes = null;
    if (all) this.form.show(stored);
    const now = this.form.read();
    return all || (now !== null && !this.form.faulty() && same(now, stored));
  }

  /** Read the colleague's version and put our changes into it, also those that were typed while it was read. */
  async bringTogether(): Promise<void> {
    const before = this.base;
    if (before === null || this.busy) return;
    this.busy = true;
    this.saveProblem = null;
    try {
      const theirs = await this.ports.timetable();
      const merged = merge(before, this.form.read() ?? before, theirs);
      this.base = theirs;
      this.clashes = merged.clashes;
      this.overtaken = false;
      this.form.show(merged.timetable);
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
    if (this.base !== null) this.form.show(this.base);
  }
}
