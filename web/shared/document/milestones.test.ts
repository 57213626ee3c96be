import { describe, expect, it } from "vitest";

import { type CaseProgress, Milestones } from "./milestones";

function view(one: { confirmed?: number; signed?: number; paid?: string; state?: string }): CaseProgress {
  const applications = [0, 1].map((index) => ({
    confirmed_at: index < (one.confirmed ?? 0) ? "2026-11-30T09:00:00Z" : null,
    signed_at: index < (one.signed ?? 0) ? "2026-11-30T09:05:00Z" : null,
  }));
  return { state: one.state ?? "in_progress", applications, payment: { state: one.paid ?? "none" } };
}

describe("what happened in a case", () => {
  it("is nothing at the first look, whatever was done before", () => {
    expect(new Milestones().since(view({ confirmed: 2, signed: 1, paid: "authorised" }))).toEqual([]);
  });

  it("is told once, each application by itself", () => {
    const milestones = new Milestones();
    milestones.since(view({}));
    expect(milestones.since(view({ confirmed: 1 }))).toEqual(["confirmed"]);
    expect(milestones.since(view({ confirmed: 1 }))).toEqual([]);
    expect(milestones.since(view({ confirmed: 2, signed: 1 }))).toEqual(["confirmed", "signed"]);
    expect(milestones.since(view({ confirmed: 2, signed: 2, paid: "requested" }))).toEqual(["signed"]);
    expect(milestones.since(view({ confirmed: 2, signed: 2, paid: "authorised" }))).toEqual(["paid"]);
    expect(milestones.since(view({ confirmed: 2, signed: 2, paid: "captured" }))).toEqual([]);
    expect(milestones.since(view({ confirmed: 2, signed: 2, paid: "captured", state: "completed" }))).toEqual(["closed"]);
  });

  it("is a payment that failed, each time", () => {
    const milestones = new Milestones();
    milestones.since(view({ paid: "requested" }));
    expect(milestones.since(view({ paid: "failed" }))).toEqual(["failed"]);
    expect(milestones.since(view({ paid: "requested" }))).toEqual([]);
    expect(milestones.since(view({ paid: "failed" }))).toEqual(["failed"]);
  });

  it("is told again after an edit took it back", () => {
    const milestones = new Milestones();
    milestones.since(view({ confirmed: 1 }));
    expect(milestones.since(view({ confirmed: 0 }))).toEqual([]);
    expect(milestones.since(view({ confirmed: 1 }))).toEqual(["confirmed"]);
  });
});
