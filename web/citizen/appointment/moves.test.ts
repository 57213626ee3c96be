import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "$shared/api/problem";
import { Moves } from "./moves";

const refusal = (code: string, reason: string, retryAfter: number | null = null): ApiProblem => new ApiProblem(429, code, "", "", [], null, { reason }, retryAfter);

beforeEach(() => void vi.useFakeTimers({ now: Date.parse("2026-11-26T11:00:00Z"), toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

it("an appointment that was moved as often as a day allows is known until it may be moved again", () => {
  const moves = new Moves();
  expect(moves.spent("a")).toBe(false);
  expect(moves.learn("a", refusal("limit_reached", "link", 7200))).toBe(true);
  expect([moves.spent("a"), moves.spent("b")]).toEqual([true, false]);
  vi.setSystemTime("2026-11-26T12:59:59Z");
  expect(moves.spent("a")).toBe(true);
  vi.setSystemTime("2026-11-26T13:00:00Z");
  expect(moves.spent("a")).toBe(false);
});

it.each([
  ["the network is busy", refusal("limit_reached", "requests", 60)],
  ["the mailbox got enough", refusal("limit_reached", "mailbox", 60)],
  ["the device has to work first", refusal("proof_required", "link")],
  ["no problem of the service", new Error("link")],
])("other refusals say nothing about the day: %s", (_, problem) => {
  const moves = new Moves();
  expect([moves.learn("a", problem), moves.spent("a")]).toEqual([false, false]);
});
