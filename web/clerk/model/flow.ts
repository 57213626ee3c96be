/**
 * The guided way through a case: what is done, what is the one next thing, and why it cannot be done yet.
 *
 * casework judges every act; this tells the clerk beforehand, from the same facts, so that a button that would be
 * refused says why instead. Looking at a stage moves nothing: the citizen's screen follows the primary action alone.
 */
import type { CallState } from "$shared/call";
import type { ApplicationView, CaseView, Stage } from "./types";
import { STAGES } from "./types";

/** `skip`: this case does not need the stage. `refused`: the identity was not accepted. */
export type StageStatus = "done" | "todo" | "skip" | "refused";

/** What the call looks like, as far as the flow depends on it. */
export interface CallFacts {
  admitted: boolean;
  citizenPresent: boolean;
  codeConfirmed: boolean;
  /** The verification failed: somebody else may be in the line, and picture and sound are off. */
  unsafe: boolean;
  /** The call of this case is on, without this page: it was reloaded in another way, or closed and opened again. */
  elsewhere?: boolean;
}

/** What is known of the citizen before this page has joined the call: the lobby's word, or casework's without one. */
export interface Outside {
  waits: boolean;
  inCall: boolean;
}

/** The call's facts from its room; before anybody joined, from outside. */
export function factsOf(room: CallState | null, outside: Outside): CallFacts {
  if (room === null || room.phase === "ended") {
    return { admitted: false, citizenPresent: outside.waits, codeConfirmed: false, unsafe: room?.verification.state === "failed", elsewhere: outside.inCall };
  }
  return {
    admitted: room.phase === "in_call",
    // Until the room answers, the lobby knows who waits.
    citizenPresent: room.phase === "connecting" ? outside.waits : room.peerPresent,
    codeConfirmed: room.verification.state === "confirmed",
    unsafe: room.verification.state === "failed",
    elsewhere: false,
  };
}

export type ActionId =
  | "take"
  | "admit"
  | "come_back"
  | "to_identity"
  | "record_identity"
  | "to_application"
  | "show_document"
  | "play_signature"
  | "to_payment"
  | "request_payment"
  | "to_done"
  | "complete"
  | "next";

/** Acts that end something or take money: they are asked about first, by whatever way they were wanted. */
export type AskedAct = "request_payment" | "complete" | "dismiss";

/** Why the action cannot be done yet; a key of the texts. */
export type Reason =
  | "taken"
  | "citizen_absent"
  | "call_unsafe"
  | "closed"
  | "identity_missing"
  | "application_incomplete"
  | "waiting_confirmation"
  | "waiting_signature"
  | "waiting_payment"
  | "payment_failed";

export interface Action {
  id: ActionId;
  /** null: can be done now. */
  reason: Reason | null;
}

/** Nothing is left to fill in. */
export function complete(application: ApplicationView): boolean {
  return application.document_hash !== null && application.errors.length === 0;
}

const settled = (view: CaseView): boolean =>
  view.applications.every((one) => one.confirmed_at !== null && (!one.needs_signature || one.signed_at !== null));

/** The fee as the applications stand now; what was requested counts once it was requested. */
export function feeOf(view: CaseView): number {
  if (view.payment.state !== "none") return view.payment.amount_cents;
  return view.applications.reduce((sum, one) => sum + one.fee_cents, 0);
}

export function isClosed(view: Pick<CaseView, "state">): boolean {
  return view.state === "completed" || view.state === "aborted" || view.state === "cancelled";
}

export function stageStatus(view: CaseView, stage: Stage, call: CallFacts): StageStatus {
  switch (stage) {
    case "talk":
      return call.codeConfirmed || view.identity_check !== null ? "done" : "todo";
    case "identity":
      if (view.identity_check === null) return "todo";
      return view.identity_check.outcome === "verified" ? "done" : "refused";
    case "application":
      return view.applications.every((one) => one.confirmed_at !== null) ? "done" : "todo";
    case "signature":
      if (!view.applications.some((one) => one.needs_signature)) return "skip";
      return view.applications.every((one) => !one.needs_signature || one.signed_at !== null) ? "done" : "todo";
    case "payment":
      if (feeOf(view) === 0) return view.applications.every(complete) ? "skip" : "todo";
      return view.payment.state === "authorised" || view.payment.state === "captured" ? "done" : "todo";
    case "done":
      return isClosed(view) ? "done" : "todo";
  }
}

/** The one next thing to do while looking at `stage`. */
export function primaryAction(view: CaseView, stage: Stage, me: string, call: CallFacts): Action {
  if (isClosed(view)) return { id: "next", reason: null };
  if (view.clerk?.clerk_id !== me) {
    const free = view.clerk === null && view.allowed_actions.includes("assignment");
    // Somebody waits for a case that nobody has: letting them in takes it, without a click of its own.
    if (free && stage === "talk" && call.citizenPresent && !call.admitted) return { id: "admit", reason: null };
    return { id: "take", reason: view.allowed_actions.includes("assignment") ? null : "taken" };
  }
  switch (stage) {
    case "talk":
      if (call.elsewhere) return { id: "come_back", reason: null };
      if (call.admitted) return { id: "to_identity", reason: call.unsafe ? "call_unsafe" : null };
      return { id: "admit", reason: call.citizenPresent ? null : "citizen_absent" };
    case "identity":
      return view.identity_check?.outcome === "verified"
        ? { id: "to_application", reason: null }
        : { id: "record_identity", reason: call.unsafe ? "call_unsafe" : null };
    case "application":
      return afterApplication(view);
    case "signature":
      return afterSignature(view);
    case "payment":
      return afterPayment(view);
    case "done":
      return { id: "complete", reason: completionReason(view) };
  }
}

function afterApplication(view: CaseView): Action {
  if (!view.applications.every(complete)) return { id: "show_document", reason: null };
  if (!view.applications.every((one) => one.confirmed_at !== null)) {
    return { id: "show_document", reason: view.stage === "application" ? "waiting_confirmation" : null };
  }
  return settled(view) ? next(view) : { id: "play_signature", reason: null };
}

function afterSignature(view: CaseView): Action {
  if (settled(view)) return next(view);
  if (!view.applications.every(complete)) return { id: "play_signature", reason: "application_incomplete" };
  if (view.applications.some((one) => one.confirmed_at === null)) return { id: "play_signature", reason: "waiting_confirmation" };
  return { id: "play_signature", reason: view.stage === "signature" ? "waiting_signature" : null };
}

function afterPayment(view: CaseView): Action {
  if (feeOf(view) === 0 || ["authorised", "captured"].includes(view.payment.state)) return { id: "to_done", reason: null };
  switch (view.payment.state) {
    case "none":
      return { id: "request_payment", reason: unsettledReason(view) };
    case "requested":
      return { id: "request_payment", reason: "waiting_payment" };
    default:
      return { id: "request_payment", reason: "payment_failed" };
  }
}

/** What follows once everything is signed. */
function next(view: CaseView): Action {
  const paid = feeOf(view) === 0 || view.payment.state === "authorised" || view.payment.state === "captured";
  return { id: paid ? "to_done" : "to_payment", reason: null };
}

function completionReason(view: CaseView): Reason | null {
  const reason = unsettledReason(view);
  if (reason !== null) return reason;
  const paid = feeOf(view) === 0 || view.payment.state === "authorised" || view.payment.state === "captured";
  return paid ? null : "waiting_payment";
}

function unsettledReason(view: CaseView): Reason | null {
  if (view.allowed_actions.includes("payment_request") || view.allowed_actions.includes("completion")) return null;
  if (!view.applications.every(complete)) return "application_incomplete";
  if (view.applications.some((one) => one.confirmed_at === null)) return "waiting_confirmation";
  if (!settled(view)) return "waiting_signature";
  // casework knows which services need the identity; when all else is there and it still says no, that is what lacks.
  return view.identity_check?.outcome === "verified" ? null : "identity_missing";
}

/** The stage a clerk continues with after opening the case: where the citizen's screen stands, or where work is left. */
export function openingStage(view: CaseView, call: CallFacts): Stage {
  if (isClosed(view)) return "done";
  if (view.stage !== "talk") return view.stage;
  return call.admitted && view.identity_check !== null ? "application" : "talk";
}

/** The neighbouring stage for a shortcut; stays at the ends. */
export function neighbour(stage: Stage, by: 1 | -1): Stage {
  return STAGES[STAGES.indexOf(stage) + by] ?? stage;
}
