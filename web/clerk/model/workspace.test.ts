import { describe, expect, it } from "vitest";

import { ApiProblem } from "$shared/api/problem";
import { EMPTY } from "./identity";
import type { ApplicationView, CaseView, Values } from "./types";
import { Workbench } from "./workbench";
import { Workspace, type WorkspacePorts } from "./workspace";

const FORM = { type: "object", properties: { name: { type: "string" } } };
const away = (): ApiProblem => new ApiProblem(0, "unreachable", "", "");

/** casework with one application, and a clock, steered by the test. */
function world() {
  const server = { revision: 1, values: { name: "Anna" } as Values, saved: 1, stage: "talk", failure: null as Error | null, reads: 0 };
  const timers: { run: () => void; ms: number }[] = [];
  const live: string[] = [];
  const application = (): ApplicationView => ({ application_id: "a", form: FORM, values: server.values, revision: server.saved, errors: [] }) as unknown as ApplicationView;
  const view = (): CaseView => ({ case_id: "c", revision: server.revision, stage: server.stage, applications: [application()] }) as unknown as CaseView;
  const answer = async <T>(give: () => T): Promise<T> => {
    if (server.failure) throw server.failure;
    return give();
  };
  const act = (): Promise<CaseView> => answer(() => ((server.revision += 1), view()));
  const ports: WorkspacePorts = {
    read: () => ((server.reads += 1), answer(view)),
    take: act,
    showStage: (stage) => ((server.stage = stage), act()),
    recordIdentity: act,
    requestPayment: act,
    complete: act,
    abort: act,
    save: (_id, values, revision) =>
      answer(() => {
        if (revision !== server.saved) throw new ApiProblem(409, "revision_conflict", "", "");
        [server.values, server.saved, server.revision] = [values, server.saved + 1, server.revision + 1];
        return application();
      }),
    later: (ms, run) => {
      const timer = { run, ms };
      timers.push(timer);
      return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1));
    },
  };
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  const tick = async (): Promise<void> => {
    for (const timer of timers.splice(0)) timer.run();
    await settle();
  };
  return { server, timers, live, ports, settle, tick, view, show: (_: string, key: string, value: unknown) => void live.push(`${key}=${String(value)}`) };
}

type World = ReturnType<typeof world>;

async function opened(of: World, bench = new Workbench(() => new Workspace(of.ports))) {
  const workspace = bench.open("c", of.show);
  await workspace.refresh();
  const draft = workspace.drafts.get("a");
  if (!draft) throw new Error("no draft");
  return { bench, workspace, draft };
}

describe("a case on the screen", () => {
  it("never goes back in time: an answer that an act has overtaken is dropped", async () => {
    const of = world();
    const { workspace } = await opened(of);
    const old = of.view();
    let give = (_: CaseView): void => {};
    of.ports.read = () => new Promise((resolve) => (give = resolve));
    const reading = workspace.refresh();
    await workspace.showStage("identity");
    give(old);
    await reading;
    expect(workspace.value.view).toMatchObject({ revision: 2, stage: "identity" });
  });

  it("answers every wish to be read again while it is being read by one more reading", async () => {
    const of = world();
    const { workspace } = await opened(of);
    await Promise.all([workspace.refresh(), workspace.refresh(), workspace.refresh()]);
    expect(of.server.reads).toBe(3);
  });

  it("takes one act at a time, says why one failed, and is read again when it was behind the facts", async () => {
    const of = world();
    const { workspace } = await opened(of);
    const [first, second] = await Promise.all([workspace.take(), workspace.complete()]);
    expect([first, second]).toEqual([true, false]);
    of.server.failure = new ApiProblem(409, "case_closed", "", "");
    const { reads } = of.server;
    expect(await workspace.complete()).toBe(false);
    expect(workspace.value).toMatchObject({ busy: null, problem: { code: "case_closed" } });
    expect(of.server.reads).toBe(reads + 1);
    workspace.dismissProblem();
    expect(workspace.value.problem).toBeNull();
  });

  it("says why it could not be read only while there is nothing to show", async () => {
    const of = world();
    of.server.failure = away();
    const workspace = new Workspace(of.ports);
    await workspace.refresh();
    expect(workspace.value.loadProblem).toMatchObject({ code: "unreachable" });
    of.server.failure = null;
    await of.tick();
    expect(workspace.value.view).not.toBeNull();
    of.server.failure = away();
    await workspace.refresh();
    expect(workspace.value.loadProblem).toBeNull();
  });

  it("saves what was typed before it shows the citizen a stage", async () => {
    const of = world();
    const { workspace, draft } = await opened(of);
    draft.type("name", "Berta");
    await workspace.showStage("application");
    expect(of.server.values).toEqual({ name: "Berta" });
    expect(of.live).toEqual(["name=Berta"]);
  });

  it("hangs in no state when an answer makes no sense: what was typed is tried again", async () => {
    const of = world();
    const { draft } = await opened(of);
    of.server.failure = new SyntaxError("Unexpected end of JSON input");
    draft.type("name", "Berta");
    await of.tick();
    expect(draft.value.status).toBe("offline");
    of.server.failure = null;
    await of.tick();
    expect([draft.value.status, of.server.values]).toEqual(["saved", { name: "Berta" }]);
  });
});

describe("a case that is left", () => {
  it("while the server is away goes on saving until it is done, and says so until then", async () => {
    const of = world();
    const { bench, workspace, draft } = await opened(of);
    of.server.failure = away();
    draft.type("name", "Berta");
    await of.tick();
    workspace.close();
    expect(bench.value.map((one) => one.caseId)).toEqual(["c"]);
    expect(bench.held).toBe(true);
    of.server.failure = null;
    await of.tick();
    await of.tick();
    expect(of.server.values).toEqual({ name: "Berta" });
    expect([bench.value, bench.held]).toEqual([[], false]);
    await of.tick();
    expect(of.timers).toEqual([]);
  });

  it("is found as it was typed by whoever comes back", async () => {
    const of = world();
    const { bench, workspace, draft } = await opened(of);
    of.server.failure = away();
    draft.type("name", "Berta");
    workspace.close();
    draft.type("name", "not shown to anybody");
    expect(of.live).toEqual(["name=Berta"]);
    expect(bench.open("c", of.show)).toBe(workspace);
    expect(bench.value).toEqual([]);
    draft.type("name", "Bertha");
    expect(of.live).toEqual(["name=Berta", "name=Bertha"]);
  });

  it("in the middle of a word saves it at once", async () => {
    const of = world();
    const { bench, workspace, draft } = await opened(of);
    draft.type("name", "Ber");
    workspace.close();
    await of.settle();
    expect([of.server.values, bench.value]).toEqual([{ name: "Ber" }, []]);
  });

  it("with nothing unsaved is over, and made anew the next time", async () => {
    const of = world();
    const { bench, workspace } = await opened(of);
    workspace.close();
    await of.tick();
    expect([bench.value, of.timers]).toEqual([[], []]);
    expect(bench.open("c", of.show)).not.toBe(workspace);
  });

  it("stays when the server refuses what was typed, until somebody gives it up", async () => {
    const of = world();
    const { bench, workspace, draft } = await opened(of);
    of.server.failure = new ApiProblem(409, "case_closed", "", "");
    draft.type("name", "Berta");
    workspace.close();
    await of.tick();
    expect([bench.value.length, workspace.value.stuck]).toEqual([1, true]);
    expect(await bench.flush()).toBe(false);
    bench.discard("c");
    expect([bench.value, bench.held]).toEqual([[], false]);
  });

  it("keeps the record of an identity check in the making, without saving it or speaking of it", async () => {
    const of = world();
    const { bench, workspace } = await opened(of);
    workspace.identity = { ...EMPTY, note: "Foto sehr alt" };
    workspace.close();
    expect([bench.value, bench.held]).toEqual([[], true]);
    expect(bench.open("c", of.show).identity?.note).toBe("Foto sehr alt");
    workspace.identity = null;
    workspace.close();
    expect(bench.held).toBe(false);
    expect(bench.open("c", of.show)).not.toBe(workspace);
  });

  it("is given up when nobody works here any more: nothing is saved in another person's name", async () => {
    const of = world();
    const { bench, workspace, draft } = await opened(of);
    of.server.failure = away();
    draft.type("name", "Berta");
    workspace.close();
    bench.clear();
    of.server.failure = null;
    await of.tick();
    expect([bench.value, of.server.values]).toEqual([[], { name: "Anna" }]);
  });
});

describe("an act while another one runs", () => {
  it("says that it was not done, and a second click on the same one says nothing", async () => {
    const of = world();
    let finish: () => void = () => undefined;
    const { workspace } = await opened({ ...of, ports: { ...of.ports, complete: () => new Promise((give) => (finish = () => give(of.view()))) } });
    const completing = workspace.complete();
    expect([await workspace.complete(), workspace.value.problem]).toEqual([false, null]);
    expect(await workspace.abort("technical")).toBe(false);
    expect(workspace.value.problem).toMatchObject({ code: "busy" });
    finish();
    expect(await completing).toBe(true);
  });
});
