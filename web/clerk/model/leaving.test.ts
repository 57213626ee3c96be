import { describe, expect, it } from "vitest";

import { Leaving, type Unsaved } from "./leaving.svelte";

function page({ inCall = true, held = null as Unsaved } = {}) {
  const said: string[] = [];
  const leaving = new Leaving(
    () => inCall,
    () => held,
  );
  const letGo = leaving.hold(() => () => said.push("let go"));
  return { leaving, said, letGo };
}

describe("leaving a case", () => {
  it("asks while a call is on, and stays when nobody answers", () => {
    const { leaving, said } = page();
    leaving.guard(() => said.push("gone"));
    expect(leaving.asked).not.toBeNull();
    expect(said).toEqual([]);
  });

  it("goes on the answer at once, asks no second time, and never goes late", async () => {
    const { leaving, said } = page({ held: "values" });
    leaving.guard(() => said.push("gone"));
    leaving.asked?.();
    expect(said).toEqual(["let go", "gone"]);
    await new Promise((resolve) => setTimeout(resolve));
    expect(said).toEqual(["let go", "gone"]);
  });

  it("goes at once without a call, also while something is not saved", () => {
    const { leaving, said } = page({ inCall: false, held: "values" });
    leaving.guard(() => said.push("gone"));
    expect(leaving.asked).toBeNull();
    expect(said).toEqual(["let go", "gone"]);
  });

  it("says whether everything is saved", () => {
    for (const held of [null, "values", "check"] as const) {
      const { leaving } = page({ held });
      leaving.guard(() => undefined);
      expect(leaving.unsaved).toBe(held);
    }
  });

  it("by signing out still asks before links, since whoever signs out may yet stay", () => {
    const { leaving, said } = page();
    leaving.ask(() => said.push("signs out"));
    leaving.asked?.();
    expect(said).toEqual(["signs out"]);
  });
});
