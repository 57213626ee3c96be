import { describe, expect, it } from "vitest";

import { factsOf, feeOf, openingStage, primaryAction, stageStatus, type CallFacts } from "./flow";
import type { ApplicationView, CaseView, Stage } from "./types";

const IN_CALL: CallFacts = { admitted: true, citizenPresent: true, codeConfirmed: true, unsafe: false };
const ALONE: CallFacts = { admitted: false, citizenPresent: false, codeConfirmed: false, unsafe: false };
const UNSAFE: CallFacts = { ...IN_CALL, codeConfirmed: false, unsafe: true };

const application = (change: Partial<ApplicationView> = {}): ApplicationView => ({
  application_id: "app",
  service_id: "fuehrungszeugnis",
  title: { de: "Führungszeugnis", en: "Certificate of good conduct" },
  person: null,
  persons: 1,
  form: {},
  values: {},
  revision: 1,
  errors: [],
  document: null,
  document_hash: "hash",
  confirmed_at: null,
  signed_at: null,
  needs_signature: true,
  fee_cents: 1300,
  ...change,
});

const CONFIRMED = application({ confirmed_at: "2026-11-24T09:05:00Z" });
const SIGNED = application({ confirmed_at: "2026-11-24T09:05:00Z", signed_at: "2026-11-24T09:06:00Z" });
const VERIFIED: NonNullable<CaseView["identity_check"]> = {
  document_type: "identity_card",
  checks: { photo_matches: true, security_features: true, not_expired: true, data_matches: true },
  outcome: "verified",
  note: "",
  checked_at: "2026-11-24T09:02:00Z",
  clerk_name: "Mara",
};

function view(change: Partial<CaseView> = {}): CaseView {
  return {
    case_id: "case",
    appointment_id: "appointment",
    reference: "HD-7K3M9Q",
    starts_at: "2026-11-24T09:00:00Z",
    ends_at: "2026-11-24T09:15:00Z",
    citizen_name: "Ada",
    language: "de",
    services: [],
    needs: [],
    email: null,
    phone: null,
    state: "in_progress",
    stage: "talk",
    clerk: { clerk_id: "me", name: "Mara" },
    presence: "in_call",
    waiting_since: null,
    technical_check: null,
    mail: "delivered",
    revision: 1,
    identity_check: null,
    applications: [application()],
    payment: { state: "none", amount_cents: 0, currency: "EUR", items: [], receipt_number: null },
    allowed_actions: [],
    abort_reason: null,
    audit: [],
    ...change,
  };
}

const act = (stage: Stage, change: Partial<CaseView> = {}, call = IN_CALL): string => {
  const action = primaryAction(view(change), stage, "me", call);
  return `${action.id}${action.reason === null ? "" : ` (${action.reason})`}`;
};

describe("the one next thing", () => {
  it("is to take the case first, unless a colleague has it", () => {
    expect(act("talk", { clerk: null, allowed_actions: ["assignment"] })).toBe("take");
    expect(act("talk", { clerk: { clerk_id: "other", name: "Jan" } })).toBe("take (taken)");
  });

  it("takes a free case by letting the waiting citizen in", () => {
    const free = { clerk: null, allowed_actions: ["assignment"] };
    expect(act("talk", free, { ...ALONE, citizenPresent: true })).toBe("admit");
    expect(act("identity", free, { ...ALONE, citizenPresent: true })).toBe("take");
  });

  it("lets the citizen in when they are there", () => {
    expect(act("talk", {}, ALONE)).toBe("admit (citizen_absent)");
    expect(act("talk", {}, { ...ALONE, citizenPresent: true })).toBe("admit");
    expect(act("talk")).toBe("to_identity");
  });

  it("goes no further in a call whose verification failed", () => {
    expect(act("talk", {}, UNSAFE)).toBe("to_identity (call_unsafe)");
    expect(act("identity", {}, UNSAFE)).toBe("record_identity (call_unsafe)");
    expect(act("identity", { identity_check: VERIFIED }, UNSAFE)).toBe("to_application");
  });

  it("records the identity, again after a refusal", () => {
    expect(act("identity")).toBe("record_identity");
    expect(act("identity", { identity_check: { ...VERIFIED, outcome: "refused" } })).toBe("record_identity");
    expect(act("identity", { identity_check: VERIFIED })).toBe("to_application");
  });

  it("shows the document, waits for the citizen, then plays in the signature field", () => {
    expect(act("application", { stage: "application", applications: [application({ document_hash: null })] })).toBe("show_document");
    expect(act("application", { stage: "identity" })).toBe("show_document");
    expect(act("application", { stage: "application" })).toBe("show_document (waiting_confirmation)");
    expect(act("application", { stage: "application", applications: [CONFIRMED] })).toBe("play_signature");
  });

  it("waits for the signature, then goes to the payment or past it", () => {
    expect(act("signature", { stage: "signature" })).toBe("play_signature (waiting_confirmation)");
    expect(act("signature", { stage: "application", applications: [CONFIRMED] })).toBe("play_signature");
    expect(act("signature", { stage: "signature", applications: [CONFIRMED] })).toBe("play_signature (waiting_signature)");
    expect(act("signature", { applications: [SIGNED] })).toBe("to_payment");
    expect(act("signature", { applications: [{ ...SIGNED, fee_cents: 0 }] })).toBe("to_done");
  });

  it("asks for the fee once all is signed and the identity verified", () => {
    const ready = { applications: [SIGNED], identity_check: VERIFIED };
    expect(act("payment", { applications: [CONFIRMED] })).toBe("request_payment (waiting_signature)");
    expect(act("payment", { applications: [SIGNED] })).toBe("request_payment (identity_missing)");
    expect(act("payment", { ...ready, allowed_actions: ["payment_request"] })).toBe("request_payment");
    const payment = (state: CaseView["payment"]["state"]) => ({ state, amount_cents: 1300, currency: "EUR", items: [], receipt_number: null });
    expect(act("payment", { ...ready, payment: payment("requested") })).toBe("request_payment (waiting_payment)");
    expect(act("payment", { ...ready, payment: payment("failed") })).toBe("request_payment (payment_failed)");
    expect(act("payment", { ...ready, payment: payment("authorised") })).toBe("to_done");
  });

  it("completes when casework would, and then goes to the next person", () => {
    expect(act("done", { applications: [application({ document_hash: null })] })).toBe("complete (application_incomplete)");
    expect(act("done", { applications: [SIGNED], identity_check: VERIFIED })).toBe("complete (waiting_payment)");
    const payment: CaseView["payment"] = { state: "authorised", amount_cents: 1300, currency: "EUR", items: [], receipt_number: null };
    expect(act("done", { applications: [SIGNED], identity_check: VERIFIED, payment, allowed_actions: ["completion"] })).toBe("complete");
    expect(act("done", { state: "completed" })).toBe("next");
    expect(act("talk", { state: "aborted" })).toBe("next");
  });
});

describe("the call as the flow sees it", () => {
  const outside = { waits: false, inCall: false };

  it("is known from outside until this page has joined: who waits can be let in, and a call that goes on can be joined again", () => {
    expect(factsOf(null, { ...outside, waits: true })).toMatchObject({ admitted: false, citizenPresent: true, elsewhere: false });
    const going = factsOf(null, { ...outside, inCall: true });
    expect(going).toMatchObject({ admitted: false, elsewhere: true });
    expect(primaryAction(view(), "talk", "me", going)).toEqual({ id: "come_back", reason: null });
    // A colleague's call is not this page's to join.
    expect(primaryAction(view({ clerk: { clerk_id: "other", name: "Ida" } }), "talk", "me", going).id).toBe("take");
  });

  it("is the room's once it was joined, and no longer when it is over", () => {
    const room = { phase: "in_call", peerPresent: true, verification: { state: "confirmed" } } as Parameters<typeof factsOf>[0];
    expect(factsOf(room, outside)).toEqual({ ...IN_CALL, elsewhere: false });
    expect(factsOf({ ...room!, phase: "connecting", peerPresent: false }, { ...outside, waits: true })).toMatchObject({ admitted: false, citizenPresent: true });
    expect(factsOf({ ...room!, phase: "ended", peerPresent: false }, { ...outside, waits: true })).toMatchObject({ admitted: false, citizenPresent: true });
  });
});

describe("the stages", () => {
  it("skips what the case does not need", () => {
    const free = view({ applications: [application({ needs_signature: false, fee_cents: 0 })] });
    expect(stageStatus(free, "signature", IN_CALL)).toBe("skip");
    expect(stageStatus(free, "payment", IN_CALL)).toBe("skip");
    expect(stageStatus(view({ identity_check: { ...VERIFIED, outcome: "refused" } }), "identity", IN_CALL)).toBe("refused");
  });

  it("sums the fees until they are asked for, then keeps what was asked", () => {
    const two = { applications: [application(), application({ application_id: "b", fee_cents: 4600 })] };
    expect(feeOf(view(two))).toBe(5900);
    expect(feeOf(view({ ...two, payment: { state: "requested", amount_cents: 1300, currency: "EUR", items: [], receipt_number: null } }))).toBe(1300);
  });

  it("opens where the citizen's screen stands", () => {
    expect(openingStage(view({ stage: "signature" }), IN_CALL)).toBe("signature");
    expect(openingStage(view(), ALONE)).toBe("talk");
    expect(openingStage(view({ state: "completed" }), ALONE)).toBe("done");
  });
});
