import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { bookingApi } from "$shared/api/booking";
import { appointmentApi } from "$shared/api/links";
import { ApiProblem } from "$shared/api/problem";
import { FakeService, inFlight, ok, problem } from "../testing";
import { giveBackOnLeaving, Reservation } from "./reservation.svelte";

const SLOT = { starts_at: "2026-11-26T12:00:00Z", ends_at: "2026-11-26T12:05:00Z" };
const OTHER = { starts_at: "2026-11-26T12:30:00Z", ends_at: "2026-11-26T12:35:00Z" };
const held = (expires: string, id = "h") => ok({ hold_id: id, ...SLOT, expires_at: expires }, 201);
const refusal = (status: number, code: string, reason?: string): ApiProblem => new ApiProblem(status, code, "", "", [], null, { reason });
const UNTIL = "2026-11-26T11:05:00Z";

let service: FakeService;
const reservation = (): Reservation => new Reservation({ office: "demo", hold: (startsAt, id) => bookingApi.hold("demo", ["a"], startsAt, id) });

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-26T11:00:00Z"), toFake: ["Date"] });
  service = new FakeService();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a reserved slot", () => {
  it("moves under the same hold to another slot", async () => {
    const mine = reservation();
    service.answers = [held(UNTIL), held(UNTIL)];
    await mine.reserve(SLOT);
    await mine.reserve(OTHER);
    expect(service.sent[0]?.body?.["hold_id"]).toBe(service.sent[1]?.body?.["hold_id"]);
  });

  it("stays when somebody was faster with another one, and alternatives are offered", async () => {
    const mine = reservation();
    service.answers = [held(UNTIL), problem(409, "slot_taken", { alternatives: [OTHER] })];
    expect(await mine.reserve(SLOT)).toBe("held");
    expect(await mine.reserve(OTHER)).toBe("taken");
    expect(mine.alternatives).toEqual([OTHER]);
    expect(mine.slot).toEqual(SLOT);
  });

  it("is only remembered when holds cannot be had", async () => {
    const mine = reservation();
    service.answers = [problem(503, "holds_unavailable")];
    expect(await mine.reserve(SLOT)).toBe("held");
    expect([mine.holdless, mine.holdId]).toEqual([true, null]);
    expect(mine.slot).toEqual(SLOT);
  });

  it("to which an appointment moves is asked for with its link, so that its own time is no hindrance", async () => {
    const mine = new Reservation({ office: "demo", hold: (startsAt, id) => appointmentApi.hold("link", startsAt, id) });
    service.answers = [held(UNTIL)];
    expect(await mine.reserve(SLOT)).toBe("held");
    expect(mine.holdId).toBe("h");
    expect(service.to("/api/booking/appointment/holds").map(({ body }) => body?.["starts_at"])).toEqual([SLOT.starts_at]);
  });
});

describe("a move that is refused", () => {
  it.each([
    ["this link was used too often", refusal(429, "limit_reached", "link")],
    ["the appointment cannot be moved any more", refusal(409, "not_movable")],
    ["the link is no longer valid", refusal(410, "link_expired")],
  ])("gives the time back to the others: %s", async (_, problem) => {
    const mine = reservation();
    service.answers = [held(UNTIL)];
    await mine.reserve(SLOT);
    expect(mine.refused(problem)).toBe(true);
    expect([mine.slot, mine.holdId]).toEqual([null, null]);
    await vi.waitFor(() => expect(service.to("/holds/h").map(({ method }) => method)).toEqual(["DELETE"]));
  });

  it.each([
    ["the network is busy", refusal(429, "limit_reached", "requests")],
    ["no answer came", refusal(0, "unreachable")],
  ])("can be tried once more with the same time: %s", async (_, problem) => {
    const mine = reservation();
    service.answers = [held(UNTIL)];
    await mine.reserve(SLOT);
    expect(mine.refused(problem)).toBe(false);
    expect([mine.slot, mine.holdId]).toEqual([SLOT, "h"]);
    expect(service.to("/holds/h")).toEqual([]);
  });
});

describe("the countdown", () => {
  it("runs and says when it is over", async () => {
    const mine = reservation();
    service.answers = [held(UNTIL)];
    await mine.reserve(SLOT);
    expect(mine.left).toBe(300);
    vi.setSystemTime(Date.parse("2026-11-26T11:05:01Z"));
    mine.tick();
    expect([mine.expired, mine.holdId]).toEqual([true, null]);
  });

  it("is prolonged by activity when it runs short, once in a while, and only then", async () => {
    const mine = reservation();
    service.answers = [held(UNTIL), held("2026-11-26T11:08:00Z")];
    await mine.reserve(SLOT);
    mine.active();
    vi.setSystemTime(Date.parse("2026-11-26T11:03:00Z"));
    mine.tick();
    mine.active();
    mine.active();
    await vi.waitFor(() => expect(mine.left).toBe(300));
    expect(service.to("/extension")).toHaveLength(1);
  });

  it("is not prolonged beyond the service's limit", async () => {
    const mine = reservation();
    service.answers = [held(UNTIL), held(UNTIL)];
    await mine.reserve(SLOT);
    vi.setSystemTime(Date.parse("2026-11-26T11:04:00Z"));
    mine.tick();
    mine.active();
    await vi.waitFor(() => expect(mine.atLimit).toBe(true));
    vi.setSystemTime(Date.parse("2026-11-26T11:04:40Z"));
    mine.tick();
    mine.active();
    expect(service.to("/extension")).toHaveLength(1);
  });
});

describe("an answer that comes too late", () => {
  it("does not bring back a reservation that was given up, and frees the slot", async () => {
    const mine = reservation();
    const slow = inFlight();
    service.answers = [slow.answer, ok(null, 204), ok(null, 204)];
    const reserving = mine.reserve(SLOT);
    await vi.waitFor(() => expect(service.sent).toHaveLength(1));
    mine.letGo();
    expect(mine.reserving).toBe(false);
    slow.arrive(held(UNTIL));
    expect(await reserving).toBe("given_up");
    expect([mine.slot, mine.hold, mine.left]).toEqual([null, null, null]);
    await vi.waitFor(() => expect(service.to("/holds/h").map(({ method }) => method)).toEqual(["DELETE"]));
  });

  it("does not bring back the slot that was wanted before", async () => {
    const mine = reservation();
    const slow = inFlight();
    service.answers = [slow.answer, ok({ hold_id: "h", ...OTHER, expires_at: UNTIL }, 201)];
    const first = mine.reserve(SLOT);
    await vi.waitFor(() => expect(service.sent).toHaveLength(1));
    expect(await mine.reserve(OTHER)).toBe("held");
    slow.arrive(held(UNTIL));
    expect(await first).toBe("given_up");
    expect(mine.slot).toEqual(OTHER);
    expect(service.to("/holds/h")).toEqual([]);
  });

  it("does not bring back the old slot when it was to prolong its hold", async () => {
    const mine = reservation();
    const slow = inFlight();
    service.answers = [held(UNTIL), slow.answer, ok({ hold_id: "h", ...OTHER, expires_at: UNTIL }, 201)];
    await mine.reserve(SLOT);
    const extending = mine.extend();
    await vi.waitFor(() => expect(service.to("/extension")).toHaveLength(1));
    await mine.reserve(OTHER);
    slow.arrive(held("2026-11-26T11:08:00Z"));
    await extending;
    expect([mine.slot, mine.left]).toEqual([OTHER, 300]);
  });
});

describe("leaving", () => {
  it("gives the slot back when the page goes away, not when it is in the background, and takes it again", async () => {
    const page = new EventTarget();
    vi.stubGlobal("window", Object.assign(page, { location: { origin: "http://localhost" } }));
    const mine = reservation();
    const stop = giveBackOnLeaving(() => mine);
    service.answers = [held(UNTIL), ok(null, 204), held(UNTIL, "again")];
    await mine.reserve(SLOT);
    page.dispatchEvent(new Event("visibilitychange"));
    expect(mine.hold).not.toBeNull();
    page.dispatchEvent(new Event("pagehide"));
    expect([mine.hold, mine.slot]).toEqual([null, SLOT]);
    page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    await vi.waitFor(() => expect(mine.hold?.hold_id).toBe("again"));
    expect(service.sent.map(({ method }) => method)).toEqual(["POST", "DELETE", "POST"]);
    // The late end of the released hold must not hit the new one.
    expect(service.sent[2]?.body?.["hold_id"]).not.toBe(service.sent[0]?.body?.["hold_id"]);
    stop();
  });

  it("offers others when the slot was taken meanwhile", async () => {
    const mine = reservation();
    mine.restore({ slot: SLOT, hold: null });
    service.answers = [problem(409, "slot_taken", { alternatives: [OTHER] })];
    await mine.resume();
    expect([mine.expired, mine.alternatives]).toEqual([true, [OTHER]]);
  });

  it("needs nothing when a hold stands or nothing was chosen", async () => {
    const mine = reservation();
    await mine.resume();
    mine.leave();
    mine.restore({ slot: SLOT, hold: { hold_id: "h", ...SLOT, expires_at: UNTIL } });
    await mine.resume();
    expect(service.sent).toEqual([]);
  });
});
