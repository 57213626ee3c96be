/**
 * One case on the clerk's screen: the case as casework knows it, a draft per application, and the acts.
 *
 * The case is read again after every act, push and save; an answer that a newer one has overtaken is dropped, so that the
 * screen never goes back in time.
 */
import { ApiProblem } from "$shared/api/problem";
import type { AbortReason, IdentityCheck } from "$shared/api/types";
import { Draft, type Saved, type SaveOutcome } from "./autosave";
import { applicable, type FormSchema } from "./form";
import type { IdentityForm } from "./identity";
import { State } from "$shared/state";
import type { ApplicationView, CaseView, Stage, Value, Values } from "./types";

export interface WorkspaceState {
  view: CaseView | null;
  /** Why the case could not be read at all. */
  loadProblem: unknown;
  /** The act under way, to show it busy and to keep a second click out. */
  busy: string | null;
  /** Why the last act failed. */
  problem: unknown;
  /** Something typed waits for a person: it is refused, or somebody else changed the same field. */
  stuck: boolean;
}

export interface WorkspacePorts {
  read(): Promise<CaseView>;
  take(): Promise<CaseView>;
  showStage(stage: Stage): Promise<CaseView>;
  recordIdentity(check: IdentityCheck): Promise<CaseView>;
  save(applicationId: string, values: Values, revision: number): Promise<ApplicationView>;
  requestPayment(): Promise<CaseView>;
  complete(): Promise<CaseView>;
  abort(reason: AbortReason): Promise<CaseView>;
  later(milliseconds: number, run: () => void): () => void;
}

/** Shows a keystroke on the citizen's screen. */
export type Live = (applicationId: string, key: string, value: Value) => void;

const POLL_MS = 15_000;

export class Workspace extends State<WorkspaceState> {
  /** By application; made with the first reading and kept, so that typing survives every refetch. */
  readonly drafts = new Map<string, Draft>();
  /** The record of the identity check while it is being made; it is sent with its outcome alone, and kept for whoever comes back. */
  identity: IdentityForm | null = null;
  #reading: Promise<void> | null = null;
  #readAgain = false;
  #cancel: () => void = () => {};
  #closed = false;
  #live: Live = () => {};
  #left: (() => void) | null = null;
  #onleft: () => void = () => {};
  readonly #ports: WorkspacePorts;

  constructor(ports: WorkspacePorts) {
    super({ view: null, loadProblem: null, busy: null, problem: null, stuck: false });
    this.#ports = ports;
  }

  /** Something typed is not on the server yet. */
  get dirty(): boolean {
    return [...this.drafts.values()].some((draft) => draft.dirty);
  }

  /** Something would be lost with this tab: typed values that are not saved, or a record of an identity check in the making. */
  get held(): boolean {
    return this.dirty || this.identity !== null;
  }

  /** Read the case again; calls while one is running are answered by one more. */
  refresh(): Promise<void> {
    if (this.#reading !== null) {
      this.#readAgain = true;
      return this.#reading;
    }
    this.#reading = this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  take = (): Promise<boolean> => this.#act("take", () => this.#ports.take());
  recordIdentity = (check: IdentityCheck): Promise<boolean> => this.#act("record_identity", () => this.#ports.recordIdentity(check));
  requestPayment = (): Promise<boolean> => this.#act("request_payment", () => this.#ports.requestPayment());
  complete = (): Promise<boolean> => this.#act("complete", () => this.#ports.complete());
  abort = (reason: AbortReason): Promise<boolean> => this.#act("abort", () => this.#ports.abort(reason));

  /** Show the citizen a stage, with everything that was typed. False when that failed; the reason is in `problem`. */
  showStage = async (stage: Stage): Promise<boolean> => {
    await this.flush();
    return this.#act(`stage:${stage}`, async () => {
      const { view } = this.value;
      return view !== null && view.stage === stage ? view : this.#ports.showStage(stage);
    });
  };

  /** Save all that is typed. True when the server holds it. */
  async flush(): Promise<boolean> {
    const outcomes = await Promise.all([...this.drafts.values()].map((draft) => draft.flush()));
    return outcomes.every((saved) => saved);
  }

  dismissProblem(): void {
    this.patch({ problem: null });
  }

  /** A page looks at the case. `onleft` is called when it has gone (`close`), and then after every save. */
  reopen(live: Live, onleft: () => void): void {
    this.#live = live;
    this.#onleft = onleft;
    this.#left = null;
  }

  /** The page has gone: what is typed goes on being saved, and is what is told. */
  close(): void {
    this.#live = () => {};
    this.#left = this.#onleft;
    if (this.dirty) void this.flush();
    this.#left();
  }

  /** Ends everything; what is unsaved then is given up. */
  end(): void {
    this.#closed = true;
    this.#cancel();
    for (const draft of this.drafts.values()) draft.close();
  }

  async #act(name: string, run: () => Promise<CaseView>): Promise<boolean> {
    // A second click says nothing; another act that was not even tried does.
    if (this.value.busy !== null) {
      if (this.value.busy !== name) this.patch({ problem: new ApiProblem(409, "busy", "Busy", "") });
      return false;
    }
    this.patch({ busy: name, problem: null });
    try {
      this.#take(await run());
      return true;
    } catch (problem) {
      this.patch({ problem });
      // A refusal usually means that the screen is behind the facts.
      if (problem instanceof ApiProblem && problem.status === 409) void this.refresh();
      return false;
    } finally {
      this.patch({ busy: null });
    }
  }

  async #read(): Promise<void> {
    do {
      this.#readAgain = false;
      try {
        this.#take(await this.#ports.read());
        this.patch({ loadProblem: null });
      } catch (problem) {
        if (this.value.view === null) this.patch({ loadProblem: problem });
      }
    } while (this.#readAgain && !this.#closed);
    this.#cancel();
    if (!this.#closed) this.#cancel = this.#ports.later(POLL_MS, () => void this.refresh());
  }

  #take(view: CaseView): void {
    const known = this.value.view;
    if (known !== null && view.revision < known.revision) return;
    for (const application of view.applications) {
      const draft = this.drafts.get(application.application_id);
      if (draft === undefined) this.drafts.set(application.application_id, this.#draftOf(application));
      else draft.rebase(savedOf(application));
    }
    this.patch({ view });
  }

  #draftOf(application: ApplicationView): Draft {
    const id = application.application_id;
    const draft = new Draft(savedOf(application), {
      save: (values, revision) => this.#save(id, values, revision),
      load: () => this.#load(id),
      sent: (values) => applicable(application.form as FormSchema, values),
      live: (key, value) => this.#live(id, key, value),
      later: (milliseconds, run) => this.#ports.later(milliseconds, run),
    });
    draft.subscribe(({ status }) => {
      const stuck = [...this.drafts.values()].some(({ value }) => value.status === "refused" || value.status === "conflict");
      if (stuck !== this.value.stuck) this.patch({ stuck });
      if (status === "saved") this.#left?.();
    });
    return draft;
  }

  async #save(id: string, values: Values, revision: number): Promise<SaveOutcome> {
    try {
      const application = await this.#ports.save(id, values, revision);
      this.#replace(application);
      void this.refresh();
      return { kind: "saved", saved: savedOf(application) };
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) throw problem;
      if (problem.code === "revision_conflict") return { kind: "stale" };
      // 401 is an ended session: after the next sign-in the same draft is saved.
      const away = problem.status === 0 || problem.status === 401 || problem.status === 429 || problem.status >= 500;
      return away ? { kind: "unreachable" } : { kind: "refused", code: problem.code };
    }
  }

  async #load(id: string): Promise<Saved | null> {
    try {
      const view = await this.#ports.read();
      this.#take(view);
      const application = view.applications.find((one) => one.application_id === id);
      return application === undefined ? null : savedOf(application);
    } catch {
      return null;
    }
  }

  /** What a save answered is shown at once; the rest of the case follows with the next reading. */
  #replace(application: ApplicationView): void {
    const { view } = this.value;
    if (view === null) return;
    const overtaken = (one: ApplicationView): boolean => one.application_id === application.application_id && one.revision <= application.revision;
    const applications = view.applications.map((one) => (overtaken(one) ? application : one));
    this.patch({ view: { ...view, applications } });
  }
}

function savedOf(application: ApplicationView): Saved {
  return { values: application.values as Values, revision: application.revision, errors: application.errors };
}
