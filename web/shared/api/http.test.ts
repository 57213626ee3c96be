import { afterEach, describe, expect, it, vi } from "vitest";

import { bookingApi } from "./booking";
import { clerkApi } from "./casework";
import { appointmentApi } from "./links";
import { exchange, request, send } from "./http";
import { ApiProblem } from "./problem";

const JSON_TYPE = { headers: { "Content-Type": "application/json" } };

/** A body of which so much arrives before the connection breaks. */
function cutOff(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(stream) {
      stream.enqueue(new TextEncoder().encode(text));
    },
    pull(stream) {
      stream.error(new TypeError("network error"));
    },
  });
}

/** A server that never answers; whoever waits has to give up. */
const silence = (_: Request, init?: RequestInit): Promise<Response> =>
  new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))));

afterEach(() => vi.unstubAllGlobals());

/** What each way of asking comes to when the network does this. */
async function failures(fetch: (request: Request, init?: RequestInit) => Promise<Response>): Promise<unknown[]> {
  vi.stubGlobal("fetch", fetch);
  const ways = [() => bookingApi.offices(), () => clerkApi.refresh(), () => appointmentApi.stopWaiting("a.b.c"), () => request("GET", "/api/x")];
  return Promise.all(ways.map((ask) => ask().then(() => "no failure", (problem: unknown) => problem)));
}

describe("every failure of a request is the same typed problem", () => {
  it.each([
    ["no network", async () => Promise.reject(new TypeError("failed to fetch"))],
    ["a body that is cut off", async () => new Response(cutOff('{"offices": [{"sl'), JSON_TYPE)],
    ["a refusal that is cut off", async () => new Response(cutOff('{"code": "slot_'), { ...JSON_TYPE, status: 409 })],
    ["JSON that ends in the middle", async () => new Response('{"offices": [{"sl', JSON_TYPE)],
    ["a page of a hotspot", async () => new Response("<html>Welcome</html>", { headers: { "Content-Type": "text/html" } })],
    ["JSON that calls itself something else", async () => new Response("{}", { headers: { "Content-Type": "text/plain" } })],
    ["a gateway's error page", async () => new Response("<html>", { status: 502 })],
  ])("%s", async (_, fetch) => {
    for (const problem of await failures(fetch)) {
      expect(problem).toBeInstanceOf(ApiProblem);
      expect(problem).toMatchObject({ code: "unreachable" });
    }
  });

  it("no answer in time", async () => {
    vi.stubGlobal("fetch", silence);
    await expect(send("GET", "/api/x", { timeout: 5 })).rejects.toMatchObject({ name: "ApiProblem", code: "unreachable", status: 0 });
  });

  it("a body that stops in time for nobody", async () => {
    vi.stubGlobal("fetch", async (_: Request, init?: RequestInit) => {
      const body = new ReadableStream({ start: (stream) => init?.signal?.addEventListener("abort", () => stream.error(new DOMException("aborted", "AbortError"))) });
      return new Response(body, JSON_TYPE);
    });
    await expect(request("GET", "/api/x", { timeout: 5 })).rejects.toMatchObject({ name: "ApiProblem", code: "unreachable" });
  });

  it("an answer without the body that belongs to it", async () => {
    vi.stubGlobal("fetch", async () => new Response(null, { status: 200 }));
    await expect(bookingApi.offices()).rejects.toMatchObject({ name: "ApiProblem", code: "unreachable" });
  });

  it("whoever asked wants it no longer, before or meanwhile", async () => {
    vi.stubGlobal("fetch", async (asked: Request, init?: RequestInit) => {
      init?.signal?.throwIfAborted();
      return silence(asked, init);
    });
    const controller = new AbortController();
    const asked = send("GET", "/api/x", { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: "ApiProblem", code: "aborted", status: 0 });
    await expect(send("GET", "/api/x", { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("a request", () => {
  it("is sent by browsers that can neither join signals nor time them", async () => {
    const { any, timeout } = AbortSignal;
    Object.assign(AbortSignal, { any: undefined, timeout: undefined });
    try {
      vi.stubGlobal("fetch", async () => new Response("{}", JSON_TYPE));
      expect(await request("GET", "/api/x")).toEqual({});
    } finally {
      Object.assign(AbortSignal, { any, timeout });
    }
  });

  it("has an answer without a body when there is nothing to say", async () => {
    vi.stubGlobal("fetch", async () => new Response(null, { status: 204 }));
    expect(await request("DELETE", "/api/x")).toBeUndefined();
    await appointmentApi.stopWaiting("a.b.c");
    expect((await exchange(new Request("http://localhost/api/x"))).status).toBe(204);
  });
});
