import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeService, ok, problem } from "../testing";
import { Visit } from "./visit.svelte";

const visitor = { services: [], name: "N", email: "n@example.org", language: "de" as const, needs: [] };
const ticket = ok({ ticket: "t", number: 7, ahead: 2, estimate_seconds: 600 }, 201);
const presence = (state: string, more: object = {}) => ok({ number: 7, state, ahead: 0, estimate_seconds: null, staffed: true, link: null, ...more });

let server: FakeService;
const storage = new Map<string, string>();

beforeEach(() => {
  server = new FakeService();
  storage.clear();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  });
});
afterEach(() => vi.unstubAllGlobals());

async function waiting(): Promise<Visit> {
  const visit = new Visit("demo");
  server.answers = [ticket];
  await visit.draw(visitor);
  return visit;
}

describe("a number", () => {
  it("is the same when the answer was lost and asked for again", async () => {
    const visit = new Visit("demo");
    server.answers = [problem(502, "unreachable"), ticket];
    await expect(visit.draw(visitor)).rejects.toThrow();
    await visit.draw(visitor);
    expect(server.sent[0]?.key).toBe(server.sent[1]?.key);
    expect([visit.state, visit.number, visit.ahead, visit.estimateSeconds]).toEqual(["waiting", 7, 2, 600]);
  });

  it("survives a reload at the same office, without anything personal", async () => {
    await waiting();
    expect([new Visit("demo").state, new Visit("demo").number, new Visit("other").state]).toEqual(["waiting", 7, "none"]);
    expect([...storage.values()].join()).not.toContain("example.org");
  });

  it("says that somebody is here although the device's clock was put back", async () => {
    vi.useFakeTimers({ toFake: ["Date", "performance"], now: Date.parse("2026-11-26T11:00:00Z") });
    const visit = await waiting();
    const beats = (): number => server.to("/presence").length;
    server.answers = [presence("waiting"), presence("waiting")];
    visit.tick();
    await vi.waitFor(() => expect(beats()).toBe(1));
    vi.advanceTimersByTime(10_000);
    vi.setSystemTime(Date.parse("2026-11-26T09:00:00Z"));
    visit.tick();
    await vi.waitFor(() => expect(beats()).toBe(2));
    vi.useRealTimers();
  });

  it("knows when nobody is at the desk, and when somebody is again", async () => {
    const visit = await waiting();
    server.answers = [presence("waiting", { staffed: false }), presence("waiting")];
    await visit.beat();
    expect([visit.state, visit.staffed]).toEqual(["waiting", false]);
    await visit.beat();
    expect(visit.staffed).toBe(true);
  });

  it("moves up and is called, with the way into the waiting room", async () => {
    const visit = await waiting();
    server.answers = [presence("waiting", { ahead: 1 }), presence("called", { link: "http://x/demo/appointment#a.b.c" })];
    await visit.beat();
    expect(visit.ahead).toBe(1);
    await visit.beat();
    expect([visit.state, visit.link]).toEqual(["called", "http://x/demo/appointment#a.b.c"]);
    visit.entered();
    expect(new Visit("demo").state).toBe("none");
  });

  it("is kept through a network that fails for a while", async () => {
    const visit = await waiting();
    server.answers = [problem(502, "unreachable"), presence("waiting")];
    await visit.beat();
    expect([visit.state, visit.lost]).toEqual(["waiting", true]);
    await visit.beat();
    expect(visit.lost).toBe(false);
  });

  it.each([
    ["the service says so", presence("gone")],
    ["the service knows it no longer", problem(404, "ticket_unknown")],
  ])("is gone when %s", async (_, answer) => {
    const visit = await waiting();
    server.answers = [answer];
    await visit.beat();
    expect([visit.state, storage.size]).toEqual(["gone", 0]);
    await visit.beat();
    expect(server.to("/presence")).toHaveLength(1);
    visit.again();
    expect(visit.state).toBe("none");
  });

  it("cannot be given back by whoever has just been called", async () => {
    const visit = await waiting();
    server.answers = [problem(409, "already_called"), presence("called", { link: "x" })];
    await visit.leave();
    expect(visit.state).toBe("called");
  });

  it("says every ten seconds that somebody is there", async () => {
    const visit = await waiting();
    server.answers = [presence("waiting"), presence("waiting")];
    for (const now of [100_000, 105_000, 109_999, 110_000]) {
      visit.tick(now);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(server.to("/presence")).toHaveLength(2);
  });

  it("can be given back", async () => {
    const visit = await waiting();
    server.answers = [ok(null, 204)];
    await visit.leave();
    expect([visit.state, server.to("/departure").length, new Visit("demo").state]).toEqual(["left", 1, "none"]);
  });
});
