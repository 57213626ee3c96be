import { describe, expect, it } from "vitest";

import type { AppointmentBrief } from "../types";
import { WeekActs } from "./acts.svelte";

const [ANNA, BEN] = ["anna", "ben"].map((id) => ({ appointment_id: id, name: id }) as unknown as AppointmentBrief) as [AppointmentBrief, AppointmentBrief];

function world() {
  const done: string[] = [];
  const away: string[] = [];
  const acts = new WeekActs((brief, said) => away.push(`${brief.name} ${said}`));
  const leave = acts.open("me", (brief, said, startsAt) => done.push([brief.name, said, startsAt].join(" ")));
  const ends: { give: () => void; fail: (problem: unknown) => void }[] = [];
  const begin = (brief: AppointmentBrief, said = "moved", startsAt = "10:00"): Promise<boolean> =>
    acts.act(brief, () => new Promise<void>((give, fail) => ends.push({ give, fail })), said, startsAt);
  return { acts, begin, done, ends, away, leave };
}

describe("an act with an appointment of the week", () => {
  it("that fails while another appointment is looked at is said with its own name", async () => {
    const { acts, begin, ends } = world();
    const moving = begin(ANNA);
    ends[0]?.fail("slot taken");
    expect(await moving).toBe(false);
    expect(acts.elsewhere("ben")).toEqual([{ brief: ANNA, problem: "slot taken" }]);
    expect(acts.problemOf("ben")).toBeNull();
    // Whoever opens it reads it there, and nowhere twice.
    expect([acts.problemOf("anna"), acts.elsewhere("anna")]).toEqual(["slot taken", []]);
    acts.forget("anna");
    expect(acts.elsewhere(null)).toEqual([]);
  });

  it("that was done late tells whose appointment it was", async () => {
    const { begin, done, ends } = world();
    const [first, second] = [begin(ANNA), begin(BEN, "cancelled", "")];
    ends[1]?.give();
    ends[0]?.give();
    expect(await Promise.all([first, second])).toEqual([true, true]);
    expect(done.map((one) => one.trim())).toEqual(["ben cancelled", "anna moved 10:00"]);
  });

  it("is told in the words of its answer", async () => {
    const { acts, done } = world();
    expect(await acts.act(ANNA, async () => 2, (count) => `${count} others`)).toBe(true);
    expect(done.map((one) => one.trim())).toEqual(["anna 2 others"]);
  });

  it("is one at a time with each appointment, and keeps the other ones free", async () => {
    const { acts, begin, ends } = world();
    const moving = begin(ANNA);
    expect([acts.runs("anna"), acts.runs("ben")]).toEqual([true, false]);
    expect(await begin(ANNA)).toBe(false);
    expect(ends).toHaveLength(1);
    ends[0]?.give();
    await moving;
    expect(acts.runs("anna")).toBe(false);
  });

  it("tried again forgets how it failed before", async () => {
    const { acts, begin, ends } = world();
    const first = begin(ANNA);
    ends[0]?.fail("away");
    await first;
    const second = begin(ANNA);
    expect(acts.problemOf("anna")).toBeNull();
    ends[1]?.give();
    expect(await second).toBe(true);
    expect(acts.elsewhere(null)).toEqual([]);
  });

  it("that fails after the week was left is said on the page that one is on, and in the week again", async () => {
    const { acts, begin, ends, leave, away, done } = world();
    const [moving, cancelling] = [begin(ANNA), begin(BEN, "cancelled")];
    leave();
    expect(acts.leftBehind("me")).toEqual([]);
    ends[0]?.fail("slot taken");
    ends[1]?.give();
    await Promise.all([moving, cancelling]);
    expect(acts.leftBehind("me")).toEqual([{ brief: ANNA, problem: "slot taken" }]);
    expect([away, done]).toEqual([["ben cancelled"], []]);
    acts.open("me", () => undefined);
    expect([acts.leftBehind("me"), acts.elsewhere(null).length]).toEqual([[], 1]);
  });

  it("is nobody else's to read who signs in at the same desk", async () => {
    const { acts, begin, ends, leave } = world();
    const [first, second] = [begin(ANNA), begin(BEN)];
    ends[0]?.fail("slot taken");
    await first;
    leave();
    expect(acts.leftBehind("you")).toEqual([]);
    acts.open("you", () => undefined);
    ends[1]?.fail("late");
    await second;
    expect(acts.elsewhere(null)).toEqual([]);
  });
});
