/**
 * The cases of this tab that hold something typed. A page that is left loses nothing: its case goes on saving in the
 * background until the server holds everything, and whoever comes back finds what they typed.
 */
import { State } from "$shared/state";
import type { Live, Workspace } from "./workspace";

/** A case that was left before all was saved. */
export interface Leftover {
  readonly caseId: string;
  readonly workspace: Workspace;
}

export class Workbench extends State<readonly Leftover[]> {
  readonly #open = new Map<string, Workspace>();
  readonly #make: (caseId: string) => Workspace;

  constructor(make: (caseId: string) => Workspace) {
    super([]);
    this.#make = make;
  }

  /** Something typed would be lost with this tab, in the case that is open or in one that was left. */
  get held(): boolean {
    return [...this.#open.values()].some((workspace) => workspace.held);
  }

  /** The case for its page: as it was left, if something of it is not saved yet. `live` carries keystrokes to the citizen's screen. */
  open(caseId: string, live: Live): Workspace {
    const kept = this.#open.get(caseId);
    const workspace = kept ?? this.#make(caseId);
    this.#open.set(caseId, workspace);
    this.#drop(caseId);
    workspace.reopen(live, () => this.#left(caseId, workspace));
    return workspace;
  }

  /** Give up what a case that was left did not save. */
  discard(caseId: string): void {
    this.#open.get(caseId)?.end();
    this.#open.delete(caseId);
    this.#drop(caseId);
  }

  /** Save all that is typed. True when the server holds it. */
  async flush(): Promise<boolean> {
    const outcomes = await Promise.all([...this.#open.values()].map((workspace) => workspace.flush()));
    return outcomes.every((saved) => saved);
  }

  /** Nobody works here any more: what was typed by one person is never saved as another. */
  clear(): void {
    for (const workspace of this.#open.values()) workspace.end();
    this.#open.clear();
    this.set([]);
  }

  /** Called when the page of a case has gone, and again when something of it was saved after that. */
  #left(caseId: string, workspace: Workspace): void {
    if (this.#open.get(caseId) !== workspace) return;
    if (!workspace.held) return this.discard(caseId);
    if (!workspace.dirty) this.#drop(caseId);
    else if (!this.value.some((one) => one.caseId === caseId)) this.set([...this.value, { caseId, workspace }]);
  }

  #drop(caseId: string): void {
    const others = this.value.filter((one) => one.caseId !== caseId);
    if (others.length < this.value.length) this.set(others);
  }
}
