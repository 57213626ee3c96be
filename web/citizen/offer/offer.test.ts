import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeService, ok, problem } from "../testing";
import { Offer } from "./offer.svelte";

const VIEW = {
  state: "open",
  starts_at: "2026-11-24T10:00:00Z",
  ends_at: "2026-11-24T10:15:00Z",
  current_starts_at: "2026-11-30T10:00:00Z",
  expires_at: "2026-11-22T12:00:00Z",
  services: [],
  office: "demo",
  language: "de",
};
let server: FakeService;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T11:00:00Z"), toFake: ["Date"] });
  server = new FakeService();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function open(): Promise<Offer> {
  const offer = new Offer("a.b.c");
  server.answers = [ok(VIEW)];
  await offer.load();
  return offer;
}

describe("an offer", () => {
  it("is only looked at when opened", async () => {
    const offer = await open();
    expect([offer.shown, offer.left]).toEqual(["open", 3600]);
    expect(server.sent.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("ends with its time", async () => {
    const offer = await open();
    vi.setSystemTime(Date.parse(VIEW.expires_at));
    offer.tick();
    expect(offer.shown).toBe("expired");
  });

  it("becomes an appointment when accepted", async () => {
    const offer = await open();
    server.answers = [ok({ link: "http://x/demo/appointment#d.e.f" })];
    expect(await offer.accept()).toMatchObject({ link: "http://x/demo/appointment#d.e.f" });
  });

  it("goes to the next one when refused, with or without leaving the list", async () => {
    for (const [leave, shown] of [[false, "refused"], [true, "left"]] as const) {
      const offer = await open();
      server.answers = [ok(null, 204)];
      await offer.refuse(leave);
      expect([offer.shown, server.sent.at(-1)?.body]).toEqual([shown, { leave_list: leave }]);
    }
  });

  it("that is over says what became of it", async () => {
    const offer = await open();
    server.answers = [problem(409, "offer_over"), ok({ ...VIEW, state: "accepted" })];
    expect(await offer.accept()).toBeNull();
    expect(offer.shown).toBe("accepted");
  });

  it("stays open when the answer did not get through", async () => {
    const offer = await open();
    server.answers = [problem(502, "unreachable")];
    expect(await offer.accept()).toBeNull();
    expect([offer.shown, offer.busy]).toEqual(["open", null]);
    expect(offer.problem).toMatchObject({ code: "unreachable" });
  });

  it.each([
    ["no token", null, null, "missing"],
    ["a bad one", "a.b.c", problem(401, "token_invalid"), "missing"],
    ["an old one", "a.b.c", problem(410, "link_expired"), "expired"],
    ["a service that is away", "a.b.c", problem(503, "unreachable"), "failed"],
  ])("explains %s", async (_, token, answer, shown) => {
    const offer = new Offer(token);
    if (answer) server.answers = [answer];
    await offer.load();
    expect(offer.shown).toBe(shown);
  });
});
