import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeService, ok, problem } from "../testing";
import { Entry } from "./entry.svelte";

const VIEW = {
  state: "waiting",
  since: "2026-11-22T10:00:00Z",
  until: "2026-12-11T23:00:00Z",
  first: null,
  last: "2026-12-11",
  offered_until: null,
  services: [],
  office: "demo",
};
let server: FakeService;

beforeEach(() => {
  server = new FakeService();
});
afterEach(() => vi.unstubAllGlobals());

async function open(state = "waiting"): Promise<Entry> {
  const entry = new Entry("a.b.c");
  server.answers = [ok({ ...VIEW, state })];
  await entry.load();
  return entry;
}

describe("an entry on the waiting list", () => {
  it("is only looked at when opened", async () => {
    expect((await open("offered")).shown).toBe("offered");
    expect(server.sent.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("is left by an act of its own", async () => {
    const entry = await open();
    server.answers = [ok({ ...VIEW, state: "left" })];
    await entry.leave();
    expect([entry.shown, entry.leaving]).toEqual(["left", false]);
    expect(server.sent.at(-1)).toMatchObject({ method: "POST", path: "/api/booking/waiting/departure" });
  });

  it("says so when what is stored cannot be handed out", async () => {
    const entry = await open();
    server.answers = [problem(503, "unreachable")];
    await entry.save("my-data.json");
    expect([entry.saving, entry.unsaved]).toMatchObject([false, { code: "unreachable" }]);
    expect(server.sent.at(-1)).toMatchObject({ method: "GET", path: "/api/booking/waiting/data" });
  });

  it("became an appointment meanwhile: nothing is left", async () => {
    const entry = await open();
    server.answers = [ok({ ...VIEW, state: "done" })];
    await entry.leave();
    expect(entry.shown).toBe("done");
  });

  it("stays when the wish to leave did not get through, and can be left again", async () => {
    const entry = await open();
    server.answers = [problem(502, "unreachable"), ok({ ...VIEW, state: "left" })];
    await entry.leave();
    expect([entry.shown, entry.leaving]).toEqual(["waiting", false]);
    expect(entry.problem).toMatchObject({ code: "unreachable" });
    await entry.leave();
    expect([entry.shown, entry.problem]).toEqual(["left", null]);
  });

  it.each([
    ["no token", null, null, "missing"],
    ["a link whose time is over", "a.b.c", problem(401, "token_invalid"), "over"],
    ["one that is forgotten", "a.b.c", problem(410, "waiting_over"), "over"],
    ["a service that is away", "a.b.c", problem(503, "unreachable"), "failed"],
  ])("explains %s", async (_, token, answer, shown) => {
    const entry = new Entry(token);
    if (answer) server.answers = [answer];
    await entry.load();
    expect(entry.shown).toBe(shown);
  });
});
