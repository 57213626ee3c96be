/**
 * What a clerk does with a case: which stage is looked at, the one action that leads on, and what each act sets off.
 *
 * Looking moves nothing. Acts that end something or take money become a question first, by whatever way they were wanted.
 */
import type { AbortReason } from "$shared/api/types";
import { complete, openingStage, primaryAction, type Action, type ActionId, type AskedAct, type CallFacts } from "./flow";
import { EMPTY, hindrance, type IdentityForm } from "./identity";
import type { CaseView, Stage } from "./types";
import type { Workspace } from "./workspace";

export interface ActPorts {
  workspace: Pick<Workspace, "value" | "take" | "showStage" | "recordIdentity" | "requestPayment" | "complete" | "abort" | "flush" | "dismissProblem" | "identity">;
  admit(): void;
  rejoin(): void;
  dismiss(): void;
  /** Go on to whoever waits next, or to the agenda. */
  next(): void;
  /** Lead the focus to a stage that an act has entered. */
  enter(stage: Stage): void;
  /** Lead the focus to what is missing. */
  wantNote(): void;
  wantGaps(applicationId: string): void;
}

export class Acts {
  /** The stage that was chosen to look at; null until somebody chose. */
  chosen = $state<Stage | null>(null);
  /** Which of several applications is worked on. */
  application = $state("");
  /** A recorded check is being made anew. */
  again = $state(false);
  noteWanted = $state(false);
  /** The clerk wanted to show the document: now every gap is named. */
  strict = $state(false);
  /** What is being asked about. */
  asked = $state<AskedAct | null>(null);
  /** Why the case could not be aborted, for the dialog that stands above the page. */
  abortProblem = $state.raw<unknown>(null);
  #aborting = $state(false);
  #form = $state.raw<IdentityForm>(EMPTY);
  readonly #ports: ActPorts;

  constructor(ports: ActPorts) {
    this.#ports = ports;
    this.#form = ports.workspace.identity ?? EMPTY;
  }

  /** The identity check being recorded: it stays while another stage is looked at, and for whoever comes back to the case. */
  get form(): IdentityForm {
    return this.#form;
  }

  set form(form: IdentityForm) {
    this.#form = form;
    this.#ports.workspace.identity = form === EMPTY ? null : form;
  }

  /** The dialog that asks why the case is aborted is open. */
  get aborting(): boolean {
    return this.#aborting;
  }

  set aborting(open: boolean) {
    if (open) this.abortProblem = null;
    this.#aborting = open;
  }

  stage(view: CaseView | null, call: CallFacts): Stage {
    return this.chosen ?? (view ? openingStage(view, call) : "talk");
  }

  /** The one thing to do next. */
  action(view: CaseView, me: string, call: CallFacts): Action {
    const stage = this.stage(view, call);
    if (stage === "identity" && this.again && view.allowed_actions.includes("edit")) return { id: "record_identity", reason: null };
    return primaryAction(view, stage, me, call);
  }

  look = (stage: Stage): void => {
    this.chosen = stage;
    this.#ports.workspace.dismissProblem();
  };

  show = async (stage: Stage): Promise<void> => {
    if (await this.#ports.workspace.showStage(stage)) this.#enter(stage);
  };

  /** Begin a recorded check anew. */
  checkAgain = (): void => {
    this.form = EMPTY;
    this.again = true;
  };

  act = ({ id, reason }: Action): void => {
    if (reason !== null) return;
    const ports = this.#ports;
    const acts: Record<ActionId, () => unknown> = {
      take: () => ports.workspace.take(),
      admit: () => ports.admit(),
      come_back: () => ports.rejoin(),
      to_identity: () => this.show("identity"),
      record_identity: () => this.record("verified"),
      to_application: () => this.show("application"),
      show_document: () => this.#showDocument(),
      play_signature: () => this.show("signature"),
      to_payment: () => this.#enter("payment"),
      request_payment: () => (this.asked = "request_payment"),
      to_done: () => this.#enter("done"),
      complete: () => (this.asked = "complete"),
      next: () => ports.next(),
    };
    void acts[id]();
  };

  /** The question was answered with yes. */
  confirmed = (act: AskedAct): void => {
    const { workspace } = this.#ports;
    if (act === "dismiss") this.#ports.dismiss();
    else void (act === "complete" ? workspace.complete() : workspace.requestPayment());
  };

  /** Record the identity check. Whoever overrules a failed check, or refuses, is led to the note first. */
  record = async (outcome: "verified" | "refused"): Promise<void> => {
    const { documentType, checks, note } = this.form;
    this.noteWanted = hindrance(this.form, outcome) === "note";
    if (this.noteWanted) return this.#ports.wantNote();
    if (!(await this.#ports.workspace.recordIdentity({ document_type: documentType, checks, outcome, note: note.trim() }))) return;
    this.again = false;
    this.form = EMPTY;
    if (outcome === "verified") await this.show("application");
  };

  /** True when the case was aborted; else the dialog stays open and says why not. */
  abort = async (reason: AbortReason): Promise<boolean> => {
    const { workspace } = this.#ports;
    this.abortProblem = null;
    const aborted = await workspace.abort(reason);
    if (!aborted) this.abortProblem = workspace.value.problem;
    else {
      this.aborting = false;
      this.#enter("done");
    }
    return aborted;
  };

  async #showDocument(): Promise<void> {
    this.strict = true;
    await this.#ports.workspace.flush();
    const gap = this.#ports.workspace.value.view?.applications.find((one) => !complete(one));
    this.strict = gap !== undefined;
    if (gap === undefined) return this.show("application");
    this.application = gap.application_id;
    this.#ports.wantGaps(gap.application_id);
  }

  /** An act leads the focus on where it leads the eye. */
  #enter(stage: Stage): void {
    const before = this.chosen;
    this.look(stage);
    if (stage !== before) this.#ports.enter(stage);
  }
}
