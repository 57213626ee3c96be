import { describe, expect, it } from "vitest";

import { Latest } from "./latest";

/** An answer that comes when the test says so. */
function later<T>(): { readonly promise: Promise<T>; readonly give: (value: T) => void; readonly fail: (problem: unknown) => void } {
  let give: (value: T) => void = () => {};
  let fail: (problem: unknown) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => ([give, fail] = [resolve, reject]));
  return { promise, give, fail };
}

function world() {
  const latest = new Latest();
  const heard: string[] = [];
  const ask = (promise: Promise<string>): Promise<boolean> =>
    latest.ask(() => promise, {
      answer: (value) => void heard.push(value),
      failure: (problem) => void heard.push(`failed: ${String(problem)}`),
      settled: () => void heard.push("settled"),
    });
  return { latest, heard, ask };
}

describe("the answer to a question that is no longer asked", () => {
  it("is dropped when it comes after the newer one's", async () => {
    const { heard, ask } = world();
    const [old, young] = [later<string>(), later<string>()];
    const asked = [ask(old.promise), ask(young.promise)];
    young.give("young");
    old.give("old");
    expect(await Promise.all(asked)).toEqual([false, true]);
    expect(heard).toEqual(["young", "settled"]);
  });

  it("is dropped when it comes before the newer one's: what is asked is still open", async () => {
    const { heard, ask } = world();
    const [old, young] = [later<string>(), later<string>()];
    const asked = [ask(old.promise), ask(young.promise)];
    old.give("old");
    expect(await asked[0]).toBe(false);
    expect(heard).toEqual([]);
    young.give("young");
    await asked[1];
    expect(heard).toEqual(["young", "settled"]);
  });

  it("is dropped as a failure, too", async () => {
    const { latest, heard, ask } = world();
    const old = later<string>();
    const asked = ask(old.promise);
    latest.drop();
    old.fail("gone");
    expect(await asked).toBe(false);
    expect(heard).toEqual([]);
  });
});

describe("the answer to what is asked", () => {
  it("is heard, a failure likewise, and either settles the question", async () => {
    const { heard, ask } = world();
    await ask(Promise.resolve("yes"));
    await ask(Promise.reject(new Error("no")));
    expect(heard).toEqual(["yes", "settled", "failed: Error: no", "settled"]);
  });

  it("is thrown when it is a failure that nobody hears", async () => {
    const latest = new Latest();
    await expect(latest.ask(() => Promise.reject(new Error("no")), { answer: () => {} })).rejects.toThrow("no");
  });

  it("lets longer ways look in between whether they are still wanted", async () => {
    const latest = new Latest();
    const first = later<string>();
    const steps: boolean[] = [];
    const asked = latest.ask(
      async (question) => {
        await first.promise;
        steps.push(question.open);
      },
      { answer: () => {} },
    );
    latest.begin();
    first.give("");
    await asked;
    expect(steps).toEqual([false]);
  });
});
