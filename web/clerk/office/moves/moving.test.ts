import { describe, expect, it } from "vitest";

import type { Moves } from "../types";
import { Moving, type Wish } from "./moving.svelte";

const TODAY = { from: "2026-11-30T08:00:00Z", to: "2026-11-30T23:00:00Z" };
const of = (lane: number): Wish => ({ lane, period: TODAY });
const NOTHING = { kept: [], moved: [], left: [] } as unknown as Moves;

function world() {
  const asked: { readonly lane: number; readonly dryRun: boolean; readonly key: string; readonly give: (moves: Moves) => void; readonly fail: (problem: unknown) => void }[] = [];
  const moving = new Moving({
    moves: ({ lane }, dryRun, key) => new Promise((give, fail) => asked.push({ lane, dryRun, key, give, fail })),
    names: async () => new Map(),
  });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  return { asked, moving, settle };
}

describe("a mass move", () => {
  it("of one clerk is not confirmed after another was chosen before the answer came", async () => {
    const { asked, moving } = world();
    const looking = moving.look(of(1));
    moving.changed();
    asked[0]?.give(NOTHING);
    expect(await looking).toBe(false);
    expect([moving.preview, moving.busy]).toEqual([null, null]);
    expect(await moving.confirm()).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it("shows the clerk who was asked for last, whichever answer comes last", async () => {
    const { asked, moving } = world();
    const first = moving.look(of(1));
    moving.changed();
    const second = moving.look(of(2));
    asked[1]?.give(NOTHING);
    await second;
    asked[0]?.give(NOTHING);
    await first;
    expect(moving.preview?.lane).toBe(2);
    void moving.confirm();
    expect(asked[2]).toMatchObject({ lane: 2, dryRun: false });
  });

  it("drops what was looked at when a choice changes", async () => {
    const { asked, moving, settle } = world();
    void moving.look(of(1));
    asked[0]?.give(NOTHING);
    await settle();
    expect(moving.preview?.lane).toBe(1);
    moving.changed();
    expect(moving.preview).toBeNull();
  });

  it("that is under way is about what was confirmed, whatever is touched meanwhile", async () => {
    const { asked, moving, settle } = world();
    void moving.look(of(1));
    asked[0]?.give(NOTHING);
    await settle();
    const confirming = moving.confirm();
    moving.changed();
    asked[1]?.give(NOTHING);
    expect(await confirming).toBe(NOTHING);
    expect([moving.done, moving.preview?.lane]).toEqual([NOTHING, 1]);
  });

  it("that fails after another clerk was chosen is not offered again under the other one's name", async () => {
    const { asked, moving, settle } = world();
    void moving.look(of(1));
    asked[0]?.give(NOTHING);
    await settle();
    const confirming = moving.confirm();
    moving.changed();
    asked[1]?.fail("away");
    expect(await confirming).toBeNull();
    expect([moving.preview, moving.problem, moving.lane]).toEqual([null, "away", 1]);
    expect(await moving.confirm()).toBeNull();
    expect(asked).toHaveLength(2);
  });

  it("that fails untouched can be tried again, also after one that was touched", async () => {
    const { asked, moving, settle } = world();
    void moving.look(of(1));
    asked[0]?.give(NOTHING);
    await settle();
    void moving.confirm();
    moving.changed();
    asked[1]?.fail("away");
    await settle();
    void moving.look(of(2));
    asked[2]?.give(NOTHING);
    await settle();
    void moving.confirm();
    asked[3]?.fail("away");
    await settle();
    expect(moving.preview?.lane).toBe(2);
  });

  it("is one act while it is tried again, and another one after another look", async () => {
    const { asked, moving, settle } = world();
    const look = async (): Promise<void> => {
      void moving.look(of(1));
      asked.at(-1)?.give(NOTHING);
      await settle();
    };
    await look();
    for (const _ of [1, 2]) {
      void moving.confirm();
      asked.at(-1)?.fail("away");
      await settle();
    }
    expect(moving.problem).toBe("away");
    await look();
    void moving.confirm();
    const keys = asked.filter((one) => !one.dryRun).map((one) => one.key);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });
});
