import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeService, ok, problem } from "../testing";
import { LostLink, looksLikeReference } from "./lost-link.svelte";

let server: FakeService;

beforeEach(() => {
  server = new FakeService();
});
afterEach(() => vi.unstubAllGlobals());

function typed(reference = "de-7k3m9q", email = " amelie@example.org "): LostLink {
  const lost = new LostLink("demo");
  lost.reference = reference;
  lost.email = email;
  return lost;
}

describe("a lost link", () => {
  it("is asked for with number and address", async () => {
    const lost = typed();
    server.answers = [ok({}, 202)];
    await lost.send();
    expect(lost.sentTo).toBe("amelie@example.org");
    expect(server.sent).toMatchObject([
      { method: "POST", path: "/api/booking/offices/demo/lost-links", body: { reference: "de-7k3m9q", email: "amelie@example.org" } },
    ]);
  });

  it.each([
    ["", "amelie@example.org", "reference"],
    ["7K3M9Q", "amelie@example.org", "reference"],
    ["DE-7K3M9Q", "", "email"],
    ["DE-7K3M9Q", "amelie", "email"],
  ])("asks first for what is missing: %s %s", async (reference, email, wrong) => {
    const lost = typed(reference, email);
    expect(lost.wrong).toBeNull();
    await lost.send();
    expect([lost.wrong, server.sent]).toEqual([wrong, []]);
  });

  it("names the field that the office refuses, until it is typed anew", async () => {
    const lost = typed();
    server.answers = [problem(422, "invalid", { errors: [{ field: "email", message: "", code: "x" }] })];
    await lost.send();
    expect([lost.wrong, lost.problem]).toEqual(["email", null]);
    lost.typed("email");
    expect(lost.wrong).toBeNull();
  });

  it("is one request however often it is tried, and another one afterwards", async () => {
    const lost = typed();
    server.answers = [problem(502, "unreachable"), ok({}, 202), ok({}, 202)];
    await lost.send();
    expect(lost.problem).toMatchObject({ code: "unreachable" });
    await lost.send();
    lost.again();
    expect([lost.sentTo, lost.reference]).toEqual([null, "de-7k3m9q"]);
    await lost.send();
    const [first, second, third] = server.sent.map(({ key }) => key);
    expect(first).toBe(second);
    expect(third).not.toBe(first);
  });

  it.each(["DE-7K3M9Q", "de 7k3m9q", "DE7K3M9Q", "DE – 7K3M9Q"])("knows a number however it is written: %s", (text) => {
    expect(looksLikeReference(text)).toBe(true);
  });
});
