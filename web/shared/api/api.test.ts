import { afterEach, describe, expect, it, vi } from "vitest";

import { bookingApi } from "./booking";
import { appointmentApi } from "./links";
import { learnServerTime, secondsLeft, serverNow } from "./clock";
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
    expect(problem.errors).toEqual([{ code: "", field: "starts_at", message: "m" }]);
  });

  it("make sense of a gateway's error page", async () => {
    const problem = await problemFromResponse(new Response("<html>", { status: 502 }));
    expect(problem.code).toBe("unreachable");
  });
});

describe("requests", () => {
  it("carry token, key and repeated query parameters", async () => {
    const sent: Request[] = [];
    vi.stubGlobal("fetch", async (request: Request) => {
      sent.push(request.clone());
      return json(200, {});
    });
    await bookingApi.slots("demo", ["a", "b"], "2026-11-26", "2026-11-27", null);
    await bookingApi.book("demo", { services: [], starts_at: "2026-11-26T12:00:00Z", name: "N", email: "e", language: "de", needs: [] }, "key-1");
    await appointmentApi.cancel("aa.bb.cc");
    const [slots, book, cancel] = sent as [Request, Request, Request];
    expect(new URL(slots.url).search).toBe("?services=a&services=b&from=2026-11-26&to=2026-11-27");
    expect(book.headers.get("Idempotency-Key")).toBe("key-1");
    expect(await book.json()).toMatchObject({ name: "N" });
    expect(cancel.headers.get("Authorization")).toBe("Bearer aa.bb.cc");
  });

  it("throw what the service refuses", async () => {
    vi.stubGlobal("fetch", async () => json(409, { code: "slot_taken", status: 409, title: "t", detail: "d" }));
    await expect(bookingApi.hold("demo", ["a"], "2026-11-26T12:00:00Z", "id")).rejects.toMatchObject({ code: "slot_taken", status: 409 });
  });

  it("turn a missing answer into a problem", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("failed to fetch");
    });
    await expect(bookingApi.offices()).rejects.toMatchObject({ code: "unreachable", status: 0 });
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
    expect(citizenToken("#aa.bb-c.d_d.")).toBe("aa.bb-c.d_d");
    expect(citizenToken("#aa.bb-c.d_d),")).toBe("aa.bb-c.d_d");
    expect(citizenToken("#aa.bb.cc.dd")).toBeNull();
    expect(citizenToken("#content")).toBeNull();
    expect(citizenToken("")).toBeNull();
  });

  it("goes along to the next page", () => {
    expect(withToken("/demo/check", "a.b.c")).toBe("/demo/check#a.b.c");
    expect(withToken("/demo/check", null)).toBe("/demo/check");
  });
});
