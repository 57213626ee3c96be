/**
 * One application's draft: typed data is never lost, and never overwrites what somebody else saved.
 *
 * Every keystroke goes to the citizen's screen at once (the stage channel); a save follows when typing pauses. A save
 * names the revision it starts from. When the server holds a newer one, the two are merged field by field; only a field
 * that both sides changed, to different values, is a conflict, and a person decides it.
 */
import { changedKeys, sameValue } from "./form";
import { State } from "$shared/state";
import type { FormError, Value, Values } from "./types";

export interface Saved {
  values: Values;
  revision: number;
  errors: readonly FormError[];
}

export interface Conflict {
  key: string;
  mine: Value;
  theirs: Value;
}

export type DraftStatus = "saved" | "changed" | "saving" | "offline" | "conflict" | "refused";

export interface DraftState {
  values: Values;
  status: DraftStatus;
  errors: readonly FormError[];
  conflicts: Conflict[];
  /** Why the server refuses the draft as it stands, as a problem's code; null while it does not. */
  refusal: string | null;
}

/** What a save can come to. `stale`: somebody saved since; `refused`: the case no longer takes changes. */
export type SaveOutcome =
  | { kind: "saved"; saved: Saved }
  | { kind: "stale" }
  | { kind: "refused"; code: string }
  | { kind: "unreachable" };

export interface DraftPorts {
  /** Whatever it throws counts as unreachable: what is typed is tried again. */
  save(values: Values, revision: number): Promise<SaveOutcome>;
  /** Read what the server holds now; null when it cannot be reached. */
  load(): Promise<Saved | null>;
  /** What is sent of what was typed (fields that do not apply are held back). */
  sent(values: Values): Values;
  /** Show a keystroke on the citizen's screen. */
  live(key: string, value: Value): void;
  later(milliseconds: number, run: () => void): () => void;
}

/** Long enough not to save every letter, short enough that a crash costs half a word. */
export const PAUSE_MS = 700;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

export class Draft extends State<DraftState> {
  /** What the server is known to hold. */
  #base: Saved;
  #cancel: () => void = () => {};
  #running: Promise<void> | null = null;
  #failures = 0;
  #closed = false;
  readonly #ports: DraftPorts;

  constructor(saved: Saved, ports: DraftPorts) {
    super({ values: { ...saved.values }, status: "saved", errors: saved.errors, conflicts: [], refusal: null });
    this.#base = saved;
    this.#ports = ports;
  }

  /** Something typed is not on the server yet. */
  get dirty(): boolean {
    return changedKeys(this.#base.values, this.#ports.sent(this.value.values)).length > 0;
  }

  get revision(): number {
    return this.#base.revision;
  }

  /** Take a keystroke: show it, and save soon. */
  type(key: string, value: Value): void {
    if (sameValue(this.value.values[key], value)) return;
    const conflicts = this.value.conflicts.filter((conflict) => conflict.key !== key);
    this.patch({ values: { ...this.value.values, [key]: value }, conflicts });
    this.#ports.live(key, value);
    if (conflicts.length > 0) return;
    if (this.value.status !== "offline") this.patch({ status: "changed" });
    this.#schedule(PAUSE_MS);
  }

  /** Decide a conflict. */
  resolve(key: string, keep: "mine" | "theirs"): void {
    const conflict = this.value.conflicts.find((one) => one.key === key);
    if (conflict === undefined) return;
    const conflicts = this.value.conflicts.filter((one) => one.key !== key);
    const values = keep === "theirs" ? { ...this.value.values, [key]: conflict.theirs } : this.value.values;
    this.patch({ values, conflicts });
    if (keep === "theirs") this.#ports.live(key, conflict.theirs);
    if (conflicts.length > 0) return;
    this.patch({ status: this.dirty ? "changed" : "saved" });
    if (this.dirty) this.#schedule(0);
  }

  /** Save now what is not saved. True when the server holds everything that was typed. */
  async flush(): Promise<boolean> {
    this.#cancel();
    if (this.#running !== null) await this.#running;
    if (this.dirty && this.value.conflicts.length === 0) await this.#save();
    return !this.dirty && this.value.conflicts.length === 0;
  }

  /** The server's state was read again (somebody else saved, or the case moved on): take it, and keep what is typed. */
  rebase(saved: Saved): void {
    if (saved.revision < this.#base.revision || this.#running !== null) return;
    if (saved.revision === this.#base.revision) {
      if (!this.dirty) this.patch({ errors: saved.errors });
      return;
    }
    this.#merge(saved);
  }

  /** Stop for good; what is unsaved has to be flushed before. */
  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  #schedule(milliseconds: number): void {
    this.#cancel();
    if (this.#closed) return;
    this.#cancel = this.#ports.later(milliseconds, () => void this.#save());
  }

  #save(): Promise<void> {
    this.#cancel();
    if (this.#running !== null) return this.#running.then(() => this.#followUp());
    this.#running = this.#saveOnce().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #followUp(): Promise<void> {
    if (this.dirty && this.value.status === "changed") await this.#save();
  }

  async #saveOnce(): Promise<void> {
    if (!this.dirty || this.value.conflicts.length > 0) return;
    const sent = this.#ports.sent(this.value.values);
    if (this.value.status !== "offline") this.patch({ status: "saving" });
    const outcome = await this.#ports.save(sent, this.#base.revision).catch((): SaveOutcome => ({ kind: "unreachable" }));
    if (outcome.kind === "unreachable") return this.#retryLater();
    this.#failures = 0;
    if (outcome.kind === "refused") return this.patch({ status: "refused", refusal: outcome.code });
    if (outcome.kind === "stale") return this.#catchUp();
    this.#base = { ...outcome.saved, values: { ...outcome.saved.values } };
    // What was typed stays as it was typed, spaces and all: taking over the server's cleaned text would move the cursor.
    this.patch({ errors: outcome.saved.errors, status: "saved", refusal: null });
    if (this.dirty) {
      this.patch({ status: "changed" });
      this.#schedule(PAUSE_MS);
    }
  }

  async #catchUp(): Promise<void> {
    const theirs = await this.#ports.load();
    if (theirs === null) return this.#retryLater();
    this.#merge(theirs);
  }

  #retryLater(): void {
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 10_000;
    this.#failures += 1;
    this.patch({ status: "offline" });
    this.#schedule(wait);
  }

  /** Three ways: what both started from, what was typed here, what the server holds now. */
  #merge(theirs: Saved): void {
    const mine = this.value.values;
    const typedHere = changedKeys(this.#base.values, mine);
    const savedThere = changedKeys(this.#base.values, theirs.values);
    const values: Record<string, Value> = { ...theirs.values };
    const conflicts: Conflict[] = [];
    for (const key of typedHere) {
      values[key] = mine[key] ?? null;
      if (savedThere.includes(key) && !sameValue(mine[key], theirs.values[key])) {
        conflicts.push({ key, mine: mine[key] ?? null, theirs: theirs.values[key] ?? null });
      }
    }
    this.#base = { ...theirs, values: { ...theirs.values } };
    this.#cancel();
    this.patch({ values, errors: theirs.errors, conflicts });
    const dirty = this.dirty;
    this.patch({ status: conflicts.length > 0 ? "conflict" : dirty ? "changed" : "saved" });
    if (dirty && conflicts.length === 0) this.#schedule(0);
  }
}
