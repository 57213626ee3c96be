import { describe, expect, it } from "vitest";

import { Acts } from "./acts.svelte";
import type { ActionId, CallFacts } from "./flow";
import type { ApplicationView, CaseView, Stage } from "./types";

const IN_CALL: CallFacts = { admitted: true, citizenPresent: true, codeConfirmed: true, unsafe: false };
const application = (id: string, whole: boolean): ApplicationView =>
  ({ application_id: id, document_hash: whole ? "hash" : null, errors: [], confirmed_at: null, signed_at: null }) as unknown as ApplicationView;
const view = (change: Partial<CaseView> = {}): CaseView =>
  ({ state: "in_progress", stage: "talk", clerk: { clerk_id: "me", name: "Mara" }, identity_check: null, applications: [], allowed_actions: ["edit"], ...change }) as CaseView;

function desk(now: CaseView = view(), { refused = false } = {}) {
  const said: string[] = [];
  const does =
    (word: string) =>
    (...rest: unknown[]): Promise<boolean> => {
      said.push([word, ...rest.map((one) => (typeof one === "string" ? one : ""))].join(" ").trim());
      return Promise.resolve(!refused);
    };
  const says = (word: string) => (rest?: unknown) => void said.push(typeof rest === "string" ? `${word} ${rest}` : word);
  const workspace: ConstructorParameters<typeof Acts>[0]["workspace"] = {
    value: { view: now, loadProblem: null, busy: null, problem: null, stuck: false },
    take: does("take"),
    showStage: does("show"),
    recordIdentity: does("record"),
    requestPayment: does("money"),
    complete: does("complete"),
    abort: does("abort"),
    flush: does("save"),
    dismissProblem: () => undefined,
    identity: null,
  };
  const acts = new Acts({
    workspace,
    admit: says("admit"),
    rejoin: says("rejoin"),
    dismiss: says("dismiss"),
    next: says("next"),
    enter: says("focus"),
    wantNote: says("want note"),
    wantGaps: says("want gaps"),
  });
  const press = async (id: ActionId, reason: null | "closed" = null): Promise<void> => {
    acts.act({ id, reason });
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { acts, said, press, kept: () => workspace };
}

describe("acts that end something or take money", () => {
  it("only ask, however often they are wanted", async () => {
    for (const id of ["complete", "request_payment"] as const) {
      const { acts, said, press } = desk();
      await press(id);
      await press(id);
      expect(said).toEqual([]);
      expect(acts.asked).toBe(id);
    }
  });

  it("happen once the question is answered", () => {
    const { acts, said } = desk();
    acts.confirmed("request_payment");
    acts.confirmed("complete");
    acts.confirmed("dismiss");
    expect(said).toEqual(["money", "complete", "dismiss"]);
  });

  it("are not even asked about while something hinders them", async () => {
    const { acts, press } = desk();
    await press("complete", "closed");
    expect(acts.asked).toBeNull();
  });
});

describe("going on", () => {
  it("shows the citizen the stage, and leads the focus into it", async () => {
    const { acts, said, press } = desk();
    await press("to_identity");
    expect(said).toEqual(["show identity", "focus identity"]);
    expect(acts.stage(view(), IN_CALL)).toBe("identity");
  });

  it("stays where it was when casework refused", async () => {
    const { acts, said, press } = desk(view(), { refused: true });
    await press("to_identity");
    expect(said).toEqual(["show identity"]);
    expect(acts.chosen).toBeNull();
  });

  it("only looks at payment and completion, which show the citizen nothing", async () => {
    const { acts, said, press } = desk();
    await press("to_payment");
    await press("to_done");
    expect(said).toEqual(["focus payment", "focus done"]);
    expect(acts.chosen).toBe("done" satisfies Stage);
  });

  it("names the gaps of the first application that has some, instead of showing a document that is not whole", async () => {
    const gaps = desk(view({ applications: [application("a", true), application("b", false)] }));
    await gaps.press("show_document");
    expect(gaps.said).toEqual(["save", "want gaps b"]);
    expect([gaps.acts.strict, gaps.acts.application]).toEqual([true, "b"]);
    const whole = desk(view({ applications: [application("a", true)] }));
    await whole.press("show_document");
    expect(whole.said).toEqual(["save", "show application", "focus application"]);
    expect(whole.acts.strict).toBe(false);
  });
});

describe("the identity check", () => {
  const all = { photo_matches: true, security_features: true, not_expired: true, data_matches: true };

  it("is recorded, and leads on to the application", async () => {
    const { acts, said, press } = desk();
    acts.form = { ...acts.form, checks: all };
    await press("record_identity");
    expect(said).toEqual(["record", "show application", "focus application"]);
    expect(acts.form.checks.photo_matches).toBe(false);
  });

  it("in the making is kept with the case until it is recorded", async () => {
    const { acts, kept, press } = desk();
    acts.form = { ...acts.form, checks: all };
    expect(kept().identity?.checks).toEqual(all);
    await press("record_identity");
    expect(kept().identity).toBeNull();
  });

  it("leads to the note first, where a check failed or the identity is refused", async () => {
    const { acts, said, press } = desk();
    await press("record_identity");
    expect(said).toEqual(["want note"]);
    acts.form = { ...acts.form, checks: all };
    await acts.record("refused");
    expect(said).toEqual(["want note", "want note"]);
    acts.form = { ...acts.form, note: "Foto passt nicht" };
    await acts.record("refused");
    expect(said.slice(2)).toEqual(["record"]);
  });

  it("can be made anew, as the next thing to do", () => {
    const recorded = view({ identity_check: { outcome: "verified" } as CaseView["identity_check"] });
    const { acts } = desk(recorded);
    acts.look("identity");
    expect(acts.action(recorded, "me", IN_CALL).id).toBe("to_application");
    acts.checkAgain();
    expect(acts.action(recorded, "me", IN_CALL).id).toBe("record_identity");
    expect(acts.action({ ...recorded, allowed_actions: [] }, "me", IN_CALL).id).toBe("to_application");
  });
});

describe("aborting", () => {
  it("ends at the outcome, or stays where it was when that failed", async () => {
    const { acts, said } = desk();
    expect(await acts.abort("technical")).toBe(true);
    expect(said).toEqual(["abort technical", "focus done"]);
    const failing = desk(view(), { refused: true });
    expect(await failing.acts.abort("technical")).toBe(false);
    expect(failing.acts.chosen).toBeNull();
  });

  it("that failed says why where it was asked: the dialog stays open, until it is asked anew", async () => {
    const { acts, kept } = desk(view(), { refused: true });
    kept().value.problem = "away";
    acts.aborting = true;
    await acts.abort("technical");
    expect([acts.aborting, acts.abortProblem]).toEqual([true, "away"]);
    acts.aborting = false;
    acts.aborting = true;
    expect(acts.abortProblem).toBeNull();
  });

  it("that went well closes the dialog", async () => {
    const { acts } = desk();
    acts.aborting = true;
    await acts.abort("technical");
    expect([acts.aborting, acts.abortProblem]).toEqual([false, null]);
  });
});
