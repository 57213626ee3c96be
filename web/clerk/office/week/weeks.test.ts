import { describe, expect, it } from "vitest";

import type { Week } from "../types";
import { Weeks } from "./weeks.svelte";

const [BEFORE, MONDAY, AFTER] = ["2026-11-23", "2026-11-30", "2026-12-07"] as const;
/** A week that is told apart by its conflicts. */
const week = (monday: string, ...conflicts: string[]): Week => ({ monday, days: [], conflicts }) as unknown as Week;

function world() {
  const asked: { readonly monday: string; readonly give: (week: Week) => void; readonly fail: (problem: unknown) => void }[] = [];
  const weeks = new Weeks((monday) => new Promise((give, fail) => asked.push({ monday, give, fail })));
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  return { asked, weeks, settle };
}

describe("the week that is looked at", () => {
  it("does not show a cancelled appointment again because an older answer comes late", async () => {
    const { asked, weeks, settle } = world();
    void weeks.show(MONDAY);
    asked[0]?.give(week(MONDAY, "mara"));
    await settle();
    void weeks.refresh();
    const old = asked.at(-1);
    const done = weeks.changed();
    asked.at(-1)?.give(week(MONDAY));
    await done;
    old?.give(week(MONDAY, "mara"));
    await settle();
    expect(weeks.of(MONDAY)).toEqual(week(MONDAY));
  });

  it("is read with its neighbours, and those again after a change", async () => {
    const { asked, weeks, settle } = world();
    void weeks.show(MONDAY);
    asked[0]?.give(week(MONDAY));
    await settle();
    expect(asked.map((one) => one.monday)).toEqual([MONDAY, AFTER, BEFORE]);
    asked[1]?.give(week(AFTER, "mara"));
    void weeks.changed();
    asked[2]?.give(week(BEFORE, "mara"));
    asked[3]?.give(week(MONDAY));
    await settle();
    expect([weeks.of(BEFORE), weeks.of(AFTER)]).toEqual([null, null]);
  });

  it("says its own failure only, and not that of a week that is no longer looked at", async () => {
    const { asked, weeks, settle } = world();
    void weeks.show(MONDAY);
    void weeks.show(AFTER);
    asked[0]?.fail("away");
    await settle();
    expect(weeks.problem).toBeNull();
    asked[1]?.fail("gone");
    await settle();
    expect(weeks.problem).toBe("gone");
    const again = weeks.refresh();
    asked.at(-1)?.give(week(AFTER));
    await again;
    expect(weeks.problem).toBeNull();
  });
});
