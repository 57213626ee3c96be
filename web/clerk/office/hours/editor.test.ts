import { describe, expect, it } from "vitest";

import { ApiProblem } from "$shared/api/problem";
import type { Lane, SavedTimetable, Timetable } from "../types";
import { adoptLanes, checkTeam, laneDrafts, newKey, withTeam, type LaneDraft } from "./draft";
import { TimetableEditor } from "./editor.svelte";

const lane = (number: number | null, name: string): Lane => ({ lane: number, name, clerk_id: null, skills: null, shifts: [] }) as unknown as Lane;
const timetable = (version: number, ...clerks: Lane[]): Timetable =>
  ({ version, opening_hours: [], special_days: [], closures: [], observes_holidays: true, clerks }) as unknown as Timetable;

/** A server that numbers new lanes and keeps versions, answering when the test says so; and the team's form. */
function world() {
  const server = { stored: timetable(1, lane(0, "Mara")), saves: 0, gate: Promise.resolve() as Promise<void> };
  const form = { drafts: [] as LaneDraft[] };
  const editor: TimetableEditor = new TimetableEditor(
    {
      show: (shown) => void (form.drafts = laneDrafts(shown)),
      read: () => (editor.base === null ? null : withTeam(editor.base, form.drafts)),
      faulty: () => checkTeam(form.drafts).length > 0,
      typed: () => JSON.stringify(form.drafts),
      adopt: (sent, stored) => adoptLanes(form.drafts, sent, stored),
    },
    {
      timetable: async () => {
        await server.gate;
        return server.stored;
      },
      saveTimetable: async (mine): Promise<SavedTimetable> => {
        server.saves += 1;
        await server.gate;
        if (mine.version !== server.stored.version) throw new ApiProblem(409, "timetable_changed", "", "");
        const next = Math.max(...server.stored.clerks.map((one) => one.lane ?? 0)) + 1;
        server.stored = timetable(mine.version + 1, ...mine.clerks.map((one, at) => (one.lane === null ? { ...one, lane: next + at } : one)));
        return { ...server.stored, conflicts: [] } as unknown as SavedTimetable;
      },
    },
  );
  const hold = (): (() => void) => {
    let open = (): void => {};
    server.gate = new Promise((resolve) => (open = resolve));
    return open;
  };
  return { server, form, editor, hold };
}

const names = (of: Timetable): string[] => of.clerks.map((one) => one.name);

describe("a timetable that is saved", () => {
  it("is drawn as the server stored it", async () => {
    const { server, form, editor } = world();
    await editor.load();
    form.drafts[0]!.name = "  Mara Beck ";
    expect(await editor.save()).toBe(true);
    expect([editor.saved, form.drafts[0]?.name, names(server.stored)]).toEqual([true, "Mara Beck", ["Mara Beck"]]);
  });

  it("keeps what is typed meanwhile, saves that too, and says so only then", async () => {
    const { server, form, editor, hold } = world();
    await editor.load();
    const open = hold();
    form.drafts[0]!.name = "Mara B";
    const saving = editor.save();
    form.drafts[0]!.name = "Mara Beck";
    expect(editor.saved).toBe(false);
    open();
    expect(await saving).toBe(true);
    expect([form.drafts[0]?.name, names(server.stored), server.saves]).toEqual(["Mara Beck", ["Mara Beck"], 2]);
  });

  it("is not all saved while what was typed meanwhile is unfinished", async () => {
    const { server, form, editor, hold } = world();
    await editor.load();
    const open = hold();
    form.drafts[0]!.name = "Mara Beck";
    const saving = editor.save();
    form.drafts.push({ key: newKey(), lane: null, name: "", clerkId: "", skills: null, shifts: [] });
    open();
    expect(await saving).toBe(false);
    expect([editor.saved, editor.busy, form.drafts.length, names(server.stored)]).toEqual([false, false, 2, ["Mara Beck"]]);
  });

  it("makes a new colleague once, though their name is typed on while they are saved", async () => {
    const { server, form, editor, hold } = world();
    await editor.load();
    const open = hold();
    form.drafts.push({ key: newKey(), lane: null, name: "Jonas", clerkId: "", skills: null, shifts: [] });
    const saving = editor.save();
    form.drafts[1]!.name = "Jonas Albrecht";
    open();
    await saving;
    expect(names(server.stored)).toEqual(["Mara", "Jonas Albrecht"]);
  });

  it("is not taken for saved when a colleague was faster, and both are brought together with what was typed meanwhile", async () => {
    const { server, form, editor, hold } = world();
    await editor.load();
    server.stored = timetable(2, lane(0, "Mara"), lane(1, "Jonas"));
    form.drafts[0]!.name = "Mara B";
    expect(await editor.save()).toBe(false);
    expect(editor.overtaken).toBe(true);
    const open = hold();
    const merging = editor.bringTogether();
    form.drafts[0]!.name = "Mara Beck";
    open();
    await merging;
    expect(form.drafts.map((one) => one.name)).toEqual(["Mara Beck", "Jonas"]);
    expect(editor.clashes).toEqual([]);
    expect(await editor.save()).toBe(true);
  });

  it("keeps what was typed when it cannot be saved or read, and says why; giving up shows what is stored", async () => {
    const { server, form, editor } = world();
    server.gate = Promise.reject(new ApiProblem(0, "unreachable", "", ""));
    await editor.load();
    expect(editor.loadProblem).toMatchObject({ code: "unreachable" });
    server.gate = Promise.resolve();
    await editor.load();
    form.drafts[0]!.name = "Mara Beck";
    server.gate = Promise.reject(new ApiProblem(0, "unreachable", "", ""));
    expect(await editor.save()).toBe(false);
    expect([editor.saveProblem instanceof ApiProblem, form.drafts[0]?.name, editor.busy]).toEqual([true, "Mara Beck", false]);
    editor.discard();
    expect([form.drafts[0]?.name, editor.saveProblem]).toEqual(["Mara", null]);
  });
});
