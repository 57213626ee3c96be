import { describe, expect, it } from "vitest";

import { Draft, PAUSE_MS, type DraftPorts, type Saved, type SaveOutcome } from "./autosave";
import type { Value, Values } from "./types";

/** A server that keeps revisions as casework does, and a clock, steered by the test. */
function world(values: Values = { name: "Anna" }) {
  const server = { values, revision: 1, reachable: true, refuse: null as string | null, saves: 0 };
  const timers: { run: () => void; ms: number }[] = [];
  const live: [string, Value][] = [];
  const saved = (): Saved => ({ values: server.values, revision: server.revision, errors: [] });
  let gate: Promise<void> = Promise.resolve();
  const ports: DraftPorts = {
    save: async (sent, revision): Promise<SaveOutcome> => {
      await gate;
      if (!server.reachable) return { kind: "unreachable" };
      if (server.refuse !== null) return { kind: "refused", code: server.refuse };
      if (revision !== server.revision) return { kind: "stale" };
      server.saves += 1;
      server.revision += 1;
      server.values = Object.fromEntries(Object.entries(sent).map(([key, value]) => [key, typeof value === "string" ? value.trim() : value]));
      return { kind: "saved", saved: saved() };
    },
    load: async () => (server.reachable ? saved() : null),
    sent: (all) => all,
    live: (key, value) => live.push([key, value]),
    later: (ms, run) => {
      const timer = { run, ms };
      timers.push(timer);
      return () => {
        const at = timers.indexOf(timer);
        if (at >= 0) timers.splice(at, 1);
      };
    },
  };
  const tick = async (): Promise<void> => {
    for (const timer of timers.splice(0)) timer.run();
    await new Promise((resolve) => setTimeout(resolve));
  };
  const hold = (): (() => void) => {
    let open = (): void => {};
    gate = new Promise((resolve) => (open = resolve));
    return open;
  };
  return { server, timers, live, tick, hold, draft: new Draft(saved(), ports) };
}

describe("saving", () => {
  it("shows every keystroke at once and saves when typing pauses", async () => {
    const { draft, live, timers, server, tick } = world();
    draft.type("name", "Annab");
    draft.type("name", "Annabel");
    expect(live).toEqual([["name", "Annab"], ["name", "Annabel"]]);
    expect(timers.map((timer) => timer.ms)).toEqual([PAUSE_MS]);
    expect(server.saves).toBe(0);
    await tick();
    expect(server).toMatchObject({ saves: 1, values: { name: "Annabel" } });
    expect(draft.value.status).toBe("saved");
  });

  it("does not take over the server's trimming while somebody types on", async () => {
    const { draft, tick } = world();
    draft.type("name", "Anna B ");
    await tick();
    expect(draft.value.values["name"]).toBe("Anna B ");
    expect(draft.dirty).toBe(false);
  });

  it("saves again what was typed during a save", async () => {
    const { draft, server, tick, hold } = world();
    const open = hold();
    draft.type("name", "Ann");
    await tick();
    draft.type("name", "Anne");
    open();
    await new Promise((resolve) => setTimeout(resolve));
    expect(draft.dirty).toBe(true);
    expect(draft.value.values["name"]).toBe("Anne");
    await tick();
    expect(server.values).toEqual({ name: "Anne" });
  });

  it("saves at once when asked to, before the document is shown", async () => {
    const { draft, server } = world();
    draft.type("name", "Berta");
    expect(await draft.flush()).toBe(true);
    expect(server.values).toEqual({ name: "Berta" });
  });
});

describe("when the server is away", () => {
  it("keeps what is typed and tries again, ever slower", async () => {
    const { draft, server, timers, tick } = world();
    server.reachable = false;
    draft.type("name", "Carla");
    await tick();
    expect(draft.value).toMatchObject({ status: "offline", values: { name: "Carla" } });
    expect(timers[0]?.ms).toBe(1_000);
    await tick();
    expect(timers[0]?.ms).toBe(2_000);
    server.reachable = true;
    await tick();
    expect(draft.value.status).toBe("saved");
    expect(server.values).toEqual({ name: "Carla" });
  });

  it("says why a change is refused, keeps it, and tries the next one", async () => {
    const { draft, server, tick } = world();
    server.refuse = "fee_fixed";
    draft.type("name", "Dora");
    await tick();
    expect(draft.value).toMatchObject({ status: "refused", refusal: "fee_fixed", values: { name: "Dora" } });
    server.refuse = null;
    draft.type("name", "Doris");
    await tick();
    expect(draft.value).toMatchObject({ status: "saved", refusal: null });
  });
});

describe("when somebody else saved", () => {
  it("merges changes of different fields and saves the result", async () => {
    const { draft, server, tick } = world({ name: "Anna", town: "Bonn" });
    draft.type("name", "Anne");
    Object.assign(server, { revision: 2, values: { name: "Anna", town: "Köln" } });
    await tick();
    await tick();
    expect(server.values).toEqual({ name: "Anne", town: "Köln" });
    expect(draft.value).toMatchObject({ status: "saved", conflicts: [] });
  });

  it("asks a person about a field that both changed, and loses neither", async () => {
    const { draft, server, tick } = world();
    draft.type("name", "Anne");
    Object.assign(server, { revision: 2, values: { name: "Anja" } });
    await tick();
    expect(draft.value.status).toBe("conflict");
    expect(draft.value.conflicts).toEqual([{ key: "name", mine: "Anne", theirs: "Anja" }]);
    expect(server.values).toEqual({ name: "Anja" });
    expect(await draft.flush()).toBe(false);
    draft.resolve("name", "mine");
    await tick();
    expect(server.values).toEqual({ name: "Anne" });
  });

  it("does not save over a conflict that a push brought before the pause was over", async () => {
    const { draft, server, tick } = world();
    draft.type("name", "Anne");
    Object.assign(server, { revision: 2, values: { name: "Anja" } });
    draft.rebase({ values: server.values, revision: 2, errors: [] });
    await tick();
    expect(draft.value.status).toBe("conflict");
    expect(server.values).toEqual({ name: "Anja" });
  });

  it("takes theirs, and shows it on the citizen's screen", async () => {
    const { draft, server, live, tick } = world();
    draft.type("name", "Anne");
    Object.assign(server, { revision: 2, values: { name: "Anja" } });
    await tick();
    draft.resolve("name", "theirs");
    expect(draft.value).toMatchObject({ status: "saved", values: { name: "Anja" } });
    expect(live.at(-1)).toEqual(["name", "Anja"]);
  });

  it("follows a refetched case while nothing is typed", () => {
    const { draft } = world();
    draft.rebase({ values: { name: "Emil" }, revision: 3, errors: [] });
    expect(draft.value).toMatchObject({ status: "saved", values: { name: "Emil" } });
    draft.rebase({ values: { name: "alt" }, revision: 2, errors: [] });
    expect(draft.value.values["name"]).toBe("Emil");
  });
});
