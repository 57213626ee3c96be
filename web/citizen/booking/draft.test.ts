import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { OfficeInfo } from "$shared/api/types";
import { Draft } from "./draft.svelte";
import { looksLikeEmail, missingAnswers } from "./readiness";

const SLOT = { starts_at: "2026-11-26T12:00:00Z", ends_at: "2026-11-26T12:05:00Z" };
const OTHER = { starts_at: "2026-11-26T12:30:00Z", ends_at: "2026-11-26T12:35:00Z" };
const OFFICE = { time_zone: "Europe/Berlin" } as OfficeInfo;

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly key: string | null;
  readonly body: Record<string, unknown> | null;
}
let sent: Sent[] = [];
let answers: { status: number; body: unknown }[] = [];

const held = (expires: string) => ({ status: 201, body: { hold_id: "h", ...SLOT, expires_at: expires } });
const problem = (status: number, code: string, extra: object = {}) => ({ status, body: { code, status, title: code, detail: "", ...extra } });

beforeEach(() => {
  sent = [];
  answers = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const text = await request.text();
    sent.push({
      method: request.method,
      path: new URL(request.url).pathname,
      key: request.headers.get("Idempotency-Key"),
      body: text ? (JSON.parse(text) as Record<string, unknown>) : null,
    });
    const answer = answers.shift() ?? { status: 204, body: null };
    return new Response(answer.body === null ? null : JSON.stringify(answer.body), { status: answer.status });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function draftWithService(): Draft {
  const draft = new Draft("demo");
  draft.select("fuehrungszeugnis", true);
  return draft;
}

describe("holding a slot", () => {
  it("moves the same hold to another slot", async () => {
    const draft = draftWithService();
    answers = [held("2026-11-26T11:05:00Z"), held("2026-11-26T11:06:00Z")];
    await draft.reserve(SLOT);
    await draft.reserve(OTHER);
    expect(sent[0]?.body?.["hold_id"]).toBe(sent[1]?.body?.["hold_id"]);
  });

  it("offers what is free nearby when somebody was faster, and keeps the slot held before", async () => {
    const draft = draftWithService();
    answers = [held("2026-11-26T11:05:00Z"), problem(409, "slot_taken", { alternatives: [OTHER] })];
    expect(await draft.reserve(SLOT)).toBe(true);
    expect(await draft.reserve(OTHER)).toBe(false);
    expect(draft.alternatives).toEqual([OTHER]);
    expect(draft.slot).toEqual(SLOT);
  });

  it("goes on without a hold when holds cannot be had", async () => {
    const draft = draftWithService();
    answers = [problem(503, "holds_unavailable")];
    expect(await draft.reserve(SLOT)).toBe(true);
    expect(draft.holdless).toBe(true);
    expect(draft.slot).toEqual(SLOT);
  });

  it("counts down and says when it is over", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-26T11:00:00Z") });
    const draft = draftWithService();
    answers = [held("2026-11-26T11:05:00Z")];
    await draft.reserve(SLOT);
    expect(draft.left).toBe(300);
    vi.setSystemTime(Date.parse("2026-11-26T11:05:01Z"));
    draft.tick();
    expect(draft.expired).toBe(true);
  });

  it("is prolonged by typing when it runs short, and only then", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-26T11:00:00Z") });
    const draft = draftWithService();
    answers = [held("2026-11-26T11:05:00Z"), held("2026-11-26T11:08:00Z")];
    await draft.reserve(SLOT);
    draft.typed();
    vi.setSystemTime(Date.parse("2026-11-26T11:03:00Z"));
    draft.tick();
    draft.typed();
    draft.typed();
    await vi.waitFor(() => expect(draft.left).toBe(300));
    expect(sent.filter(({ path }) => path.endsWith("/extension"))).toHaveLength(1);
  });

  it("ends when other services need another length, and its id is not used again", async () => {
    const draft = draftWithService();
    answers = [held("2026-11-26T11:05:00Z"), { status: 204, body: null }, held("2026-11-26T11:05:00Z")];
    await draft.reserve(SLOT);
    draft.select("anmeldung", true);
    expect(draft.slot).toBeNull();
    await draft.reserve(SLOT);
    const holds = sent.filter(({ path }) => path.endsWith("/holds")).map(({ body }) => body?.["hold_id"]);
    expect(new Set(holds).size).toBe(2);
  });
});

describe("booking", () => {
  async function ready(): Promise<Draft> {
    const draft = draftWithService();
    answers = [held("2999-01-01T00:00:00Z")];
    await draft.reserve(SLOT);
    draft.name = " Mária Nowak ";
    draft.email = "maria@example.org";
    return draft;
  }

  it("repeats a lost request under the same key, and a changed one under a new key", async () => {
    const draft = await ready();
    answers = [problem(502, "unreachable"), problem(502, "unreachable"), { status: 201, body: { link: "x" } }];
    await expect(draft.book(OFFICE)).rejects.toThrow();
    await expect(draft.book(OFFICE)).rejects.toThrow();
    draft.email = "other@example.org";
    await draft.book(OFFICE);
    const keys = sent.filter(({ path }) => path.endsWith("/appointments")).map(({ key }) => key);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("sends trimmed details, the hold and the chosen options", async () => {
    const draft = await ready();
    draft.choose("fuehrungszeugnis", "belegart", "N");
    answers = [{ status: 201, body: { link: "x" } }];
    await draft.book(OFFICE);
    expect(sent.at(-1)?.body).toMatchObject({
      name: "Mária Nowak",
      services: [{ service_id: "fuehrungszeugnis", options: { belegart: "N" } }],
      hold_id: "h",
    });
  });

  it("offers alternatives when the slot begins meanwhile", async () => {
    const draft = await ready();
    answers = [problem(422, "slot_not_offered", { alternatives: [OTHER] })];
    await expect(draft.book(OFFICE)).rejects.toMatchObject({ code: "slot_not_offered" });
    expect(draft.alternatives).toEqual([OTHER]);
  });
});

describe("readiness", () => {
  const text = { de: "?", en: "?" };
  const service = {
    id: "a",
    questions: [{ id: "q", text, expected: true, otherwise: text }],
    options: [{ id: "o", name: text, choices: [] }],
  };

  it("names what is still unanswered, in the order of the page", () => {
    const fields = (answer?: boolean, option?: string) => missingAnswers([service], () => answer, () => option).map(({ field }) => field);
    expect(fields()).toEqual(["question-a-q", "option-a-o"]);
    expect(fields(false, "N")).toEqual([]);
  });

  it.each([
    ["a@b.de", true],
    [" a@b.de ", true],
    ["a@b", false],
    ["a b@c.de", false],
    ["", false],
  ])("takes %j for an address: %s", (address, expected) => {
    expect(looksLikeEmail(address)).toBe(expected);
  });
});
