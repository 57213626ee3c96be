import { describe, expect, it } from "vitest";

import type { AppointmentView } from "$shared/api/types";
import { Reminding } from "./reminding.svelte";

const view = (reminders: boolean): AppointmentView => ({ reminders }) as AppointmentView;

describe("the choice whether to be reminded", () => {
  it("answers with the appointment as it is then", async () => {
    const asked: [string, boolean][] = [];
    const reminding = new Reminding((token, wanted) => {
      asked.push([token, wanted]);
      return Promise.resolve(view(wanted));
    });
    expect(await reminding.choose("t", false)).toEqual(view(false));
    expect(asked).toEqual([["t", false]]);
    expect([reminding.busy, reminding.problem]).toEqual([false, null]);
  });

  it("asks once, however often one presses", async () => {
    let give = (_: AppointmentView): void => undefined;
    const reminding = new Reminding(() => new Promise((resolve) => (give = resolve)));
    const first = reminding.choose("t", false);
    expect(reminding.busy).toBe(true);
    expect(await reminding.choose("t", true)).toBeNull();
    give(view(false));
    expect(await first).toEqual(view(false));
  });

  it("says what went wrong, and can be tried again", async () => {
    let away = true;
    const reminding = new Reminding((_, wanted) => (away ? Promise.reject(new Error("away")) : Promise.resolve(view(wanted))));
    expect(await reminding.choose("t", false)).toBeNull();
    expect(reminding.problem).toEqual(new Error("away"));
    away = false;
    expect(await reminding.choose("t", false)).toEqual(view(false));
    expect(reminding.problem).toBeNull();
  });
});
