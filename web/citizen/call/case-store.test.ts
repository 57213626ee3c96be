import { describe, expect, it } from "vitest";

import type { CitizenCaseView } from "$shared/api/types";
import { CaseStore } from "./case-store";
import { appointmentOf } from "./token";

const view = (revision: number): CitizenCaseView => ({ case_id: "c", revision }) as CitizenCaseView;

describe("the citizen's case", () => {
  it("is fetched once more for all wishes that come while a fetch runs", async () => {
    const answers: ((view: CitizenCaseView) => void)[] = [];
    const store = new CaseStore(() => new Promise((resolve) => answers.push(resolve)));
    const first = store.refresh();
    await store.refresh();
    await store.refresh();
    answers[0]?.(view(1));
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(answers).toHaveLength(2);
    answers[1]?.(view(2));
    await first;
    expect(store.state.value.view?.revision).toBe(2);
    expect(answers).toHaveLength(2);
  });

  it("never goes back to an older revision", () => {
    const store = new CaseStore(() => Promise.resolve(view(1)));
    store.put(view(5));
    store.put(view(4));
    expect(store.state.value.view?.revision).toBe(5);
  });

  it("keeps what it shows when a fetch fails", async () => {
    const problem = new Error("unreachable");
    const store = new CaseStore(() => Promise.reject(problem));
    store.put(view(3));
    await store.refresh();
    store.stop();
    expect(store.state.value).toEqual({ view: view(3), problem });
  });
});

describe("the link token", () => {
  it("says which appointment it is for", () => {
    const token = ["{}", JSON.stringify({ sub: "7b0c4f5e" }), "x"].map((part) => Buffer.from(part).toString("base64url")).join(".");
    expect(appointmentOf(token)).toBe("7b0c4f5e");
  });

  it.each([[""], ["a.b.c"], ["x"], [`e30.${Buffer.from("null").toString("base64url")}.x`], [`e30.${Buffer.from('{"sub":5}').toString("base64url")}.x`]])(
    "is no appointment when unreadable: %s",
    (token) => expect(appointmentOf(token)).toBeNull(),
  );
});
