import { afterEach, beforeEach, describe, expect, it, vi, beforeAll } from "vitest";

import { FakeService, office, ok, problem, question, service } from "../testing";
import { Draft } from "./draft.svelte";
import { loadPhones } from "$shared/contact/phones.svelte";

beforeAll(loadPhones);

const SLOT = { starts_at: "2026-11-26T12:00:00Z", ends_at: "2026-11-26T12:05:00Z" };
const OTHER = { starts_at: "2026-11-26T12:30:00Z", ends_at: "2026-11-26T12:35:00Z" };
const held = ok({ hold_id: "h", ...SLOT, expires_at: "2999-01-01T00:00:00Z" }, 201);
const ID_CARD = service("personalausweis", { category: "identity", minutes_per_further_person: 5, questions: [question("photo"), question("adult", true)] });
const CERTIFICATE = service("fuehrungszeugnis");
const OFFICE = office(CERTIFICATE, ID_CARD);

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

function draftWith(...services: string[]): Draft {
  const draft = new Draft(OFFICE);
  for (const id of services) draft.select(id, true);
  return draft;
}

describe("what is chosen", () => {
  it("is ordered as on the page, with people where a service takes several", () => {
    const draft = draftWith("fuehrungszeugnis", "personalausweis");
    draft.bring("personalausweis", 3);
    draft.bring("fuehrungszeugnis", 3);
    expect(draft.order).toEqual([
      { service_id: "personalausweis", options: {}, persons: 3 },
      { service_id: "fuehrungszeugnis", options: {}, persons: 1 },
    ]);
  });

  it("is for one person at least and twelve at most", () => {
    const draft = draftWith("personalausweis");
    draft.bring("personalausweis", 0);
    expect(draft.personsOf(ID_CARD)).toBe(1);
    draft.bring("personalausweis", 40);
    expect(draft.personsOf(ID_CARD)).toBe(12);
  });

  it("leaves out what a call cannot finish, and takes it in again when the answer was a slip", () => {
    const draft = draftWith("fuehrungszeugnis", "personalausweis");
    draft.answer(ID_CARD, "photo", false);
    expect(draft.items).toHaveLength(2);
    draft.answer(ID_CARD, "adult", false);
    expect(draft.items.map(({ service: { id } }) => id)).toEqual(["fuehrungszeugnis"]);
    draft.answer(ID_CARD, "adult", true);
    expect(draft.items).toHaveLength(2);
  });

  it.each([
    ["another service", (draft: Draft) => draft.select("personalausweis", true)],
    ["another person", (draft: Draft) => draft.bring("fuehrungszeugnis", 2)],
  ])("needs another slot with %s, under a new hold", async (_, change) => {
    const draft = draftWith("fuehrungszeugnis");
    server.answers = [held, ok(null, 204), held];
    await draft.reservation.reserve(SLOT);
    change(draft);
    expect(draft.reservation.slot).toBeNull();
    await draft.reservation.reserve(SLOT);
    expect(new Set(server.to("/holds").map(({ body }) => body?.["hold_id"])).size).toBe(2);
  });

  it("survives a reload, except what somebody said about themselves", async () => {
    const draft = draftWith("personalausweis");
    draft.bring("personalausweis", 2);
    draft.answer(ID_CARD, "adult", true);
    draft.explainEasily(true);
    draft.person.name = "Mária Nowak";
    server.answers = [held];
    await draft.reservation.reserve(SLOT);
    const again = new Draft(OFFICE);
    expect(again.order).toEqual([{ service_id: "personalausweis", options: {}, persons: 2 }]);
    expect([again.easy, again.answerOf("personalausweis", "adult"), again.reservation.holdId]).toEqual([true, true, "h"]);
    expect([...storage.values()].join()).not.toContain("Nowak");
    expect(new Draft({ ...OFFICE, slug: "other" }).selected).toEqual([]);
  });
});

describe("booking", () => {
  async function ready(): Promise<Draft> {
    const draft = draftWith("fuehrungszeugnis");
    server.answers = [held];
    await draft.reservation.reserve(SLOT);
    draft.person.name = " Mária Nowak ";
    draft.person.email = "maria@example.org";
    return draft;
  }

  it("repeats a lost request under the same key, and a changed one under a new key", async () => {
    const draft = await ready();
    server.answers = [problem(502, "unreachable"), problem(502, "unreachable"), ok({ link: "x" }, 201)];
    await expect(draft.book()).rejects.toThrow();
    await expect(draft.book()).rejects.toThrow();
    draft.person.email = "other@example.org";
    await draft.book();
    const keys = server.to("/appointments").map(({ key }) => key);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("sends trimmed details, needs, the hold and the chosen options", async () => {
    const draft = await ready();
    draft.choose("fuehrungszeugnis", "belegart", "N");
    draft.person.phone = " 0171 2345678 ";
    draft.person.needs = ["companion"];
    draft.person.plain = true;
    server.answers = [ok({ link: "x" }, 201)];
    await draft.book();
    expect(server.sent.at(-1)?.body).toMatchObject({
      name: "Mária Nowak",
      phone: "+491712345678",
      plain_language: true,
      needs: ["companion"],
      services: [{ service_id: "fuehrungszeugnis", options: { belegart: "N" }, persons: 1 }],
      hold_id: "h",
    });
  });

  it("offers alternatives when the slot begins meanwhile", async () => {
    const draft = await ready();
    server.answers = [problem(422, "slot_not_offered", { alternatives: [OTHER] })];
    await expect(draft.book()).rejects.toMatchObject({ code: "slot_not_offered" });
    expect(draft.reservation.alternatives).toEqual([OTHER]);
  });
});
