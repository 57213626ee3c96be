import { afterEach, describe, expect, it, vi } from "vitest";

import { learnServerTime, secondsLeft, serverNow } from "./clock";
import { request } from "./http";
import { isProblem, problemFromResponse } from "./problem";
import { citizenToken, withToken } from "./session";

const json = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json" } });

afterEach(() => vi.unstubAllGlobals());

describe("problems", () => {
  it("keep code, field errors and what the code adds", async () => {
    const problem = await problemFromResponse(
      json(409, { code: "slot_taken", title: "Taken", detail: "Gone", status: 409, alternatives: [1], errors: [{ field: "starts_at", message: "m" }] }),
    );
    expect(isProblem(problem, "slot_taken")).toBe(true);
    expect(problem.extra).toEqual({ alternatives: [1] });
    expect(problem.errors).toEqual([{ field: "starts_at", message: "m" }]);
  });

  it("make sense of a gateway's error page", async () => {
    const problem = await problemFromResponse(new Response("<html>", { status: 502 }));
    expect(problem.code).toBe("unreachable");
  });
});

describe("requests", () => {
  it("carry token, key and repeated query parameters", async () => {
    const fetched = vi.fn<typeof fetch>(async () => json(200, { ok: true }));
    vi.stubGlobal("fetch", fetched);
    await request("POST", "/api/x", { token: "t", idempotencyKey: "k", body: { a: 1 }, query: { services: ["a", "b"], hold: undefined } });
    const [address, options] = fetched.mock.calls[0]!;
    expect(address).toBe("/api/x?services=a&services=b");
    const headers = new Headers(options?.headers);
    expect(headers.get("Authorization")).toBe("Bearer t");
    expect(headers.get("Idempotency-Key")).toBe("k");
  });

  it("turn a missing answer into a problem", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("failed to fetch");
    });
    await expect(request("GET", "/api/x")).rejects.toMatchObject({ code: "unreachable", status: 0 });
  });
});

describe("the server's clock", () => {
  it("is used for deadlines when this device's clock is wrong", () => {
    const now = Date.parse("2026-11-26T12:00:00Z");
    learnServerTime(new Response(null, { headers: { Date: "Thu, 26 Nov 2026 11:00:00 GMT" } }), now);
    expect(serverNow(now)).toBe(Date.parse("2026-11-26T11:00:00Z"));
    expect(secondsLeft("2026-11-26T11:05:00Z", serverNow(now))).toBe(300);
    expect(secondsLeft("2026-11-26T10:00:00Z", serverNow(now))).toBe(0);
  });

  it("is ours when they hardly differ", () => {
    const now = Date.parse("2026-11-26T12:00:01.500Z");
    learnServerTime(new Response(null, { headers: { Date: "Thu, 26 Nov 2026 12:00:00 GMT" } }), now);
    expect(serverNow(now)).toBe(now);
  });
});

describe("the citizen's token", () => {
  it("is read from the fragment, and an anchor is none", () => {
    expect(citizenToken("#aa.bb-c.d_d")).toBe("aa.bb-c.d_d");
    expect(citizenToken("#content")).toBeNull();
    expect(citizenToken("")).toBeNull();
  });

  it("goes along to the next page", () => {
    expect(withToken("/demo/check", "a.b.c")).toBe("/demo/check#a.b.c");
    expect(withToken("/demo/check", null)).toBe("/demo/check");
  });
});
