import { describe, expect, it } from "vitest";

import { ApiProblem } from "$shared/api/problem";
import type { AppointmentView } from "$shared/api/types";
import { Opened } from "./opened.svelte";

const of = (state: AppointmentView["state"], reference = "HD-1", awaited = false): AppointmentView =>
  ({ state, reference, awaited, ends_at: "2026-12-01T22:30:00Z" }) as unknown as AppointmentView;
const refusal = (status: number, code: string): ApiProblem => new ApiProblem(status, code, "", "");

function world() {
  const asked: { readonly give: (view: AppointmentView) => void; readonly fail: (problem: unknown) => void }[] = [];
  const opened = new Opened(() => new Promise((give, fail) => asked.push({ give, fail })));
  const open = async (state: AppointmentView["state"] = "booked"): Promise<void> => {
    const loading = opened.load("a.b.c");
    asked[0]?.give(of(state));
    await loading;
  };
  return { asked, opened, open };
}

describe("the open page of an appointment", () => {
  it("learns of a cancellation by the office when somebody comes back to it", async () => {
    const { asked, opened, open } = world();
    await open();
    const again = opened.again();
    expect(opened.view?.state).toBe("booked");
    asked[1]?.fail(new ApiProblem(410, "link_expired", "", "", [], null, { reason: "cancelled" }));
    expect([await again, opened.view, opened.gone, opened.cancelled]).toEqual(["cancelled", null, true, true]);
  });

  it("learns that the office takes back that nobody came, and awaits them", async () => {
    const { asked, opened, open } = world();
    await open("no_show");
    const still = opened.again();
    asked[1]?.give(of("no_show"));
    expect(await still).toBeNull();
    const again = opened.again();
    asked[2]?.give(of("booked", "HD-1", true));
    expect([await again, opened.view?.awaited]).toEqual(["awaited", true]);
  });

  it.each([
    ["no_show", "2026-12-01T22:59:00Z", true],
    ["no_show", "2026-12-01T23:00:00Z", false], // midnight at the office
    ["booked", "2026-12-01T22:59:00Z", false],
    ["completed", "2026-12-01T22:59:00Z", false],
  ] as const)("looks again at what was missed until that day is over: %s at %s", async (state, now, looks) => {
    const { opened, open } = world();
    expect(opened.mayBeAwaited("Europe/Berlin", Date.parse(now))).toBe(false);
    await open(state);
    expect(opened.mayBeAwaited("Europe/Berlin", Date.parse(now))).toBe(looks);
  });

  it("stays as it is while the network is away", async () => {
    const { asked, opened, open } = world();
    await open();
    const again = opened.again();
    asked[1]?.fail(refusal(0, "unreachable"));
    expect([await again, opened.view?.state, opened.problem]).toEqual([null, "booked", null]);
  });

  it("says when the link leads nowhere any more", async () => {
    for (const [problem, word] of [[refusal(410, "link_expired"), "gone"], [refusal(401, "token_invalid"), "invalid"]] as const) {
      const { asked, opened, open } = world();
      await open();
      const again = opened.again();
      asked[1]?.fail(problem);
      await again;
      expect([opened.view, opened[word]]).toEqual([null, true]);
    }
  });

  it("does not take back what was done here while it was read", async () => {
    const { asked, opened, open } = world();
    await open();
    const again = opened.again();
    opened.show(of("cancelled", "own"));
    asked[1]?.give(of("booked"));
    await again;
    expect(opened.view).toEqual(of("cancelled", "own"));
  });

  it("is asked once at a time, and not before there is something to read again", async () => {
    const { asked, opened, open } = world();
    expect(await opened.again()).toBeNull();
    await open();
    void opened.again();
    expect(await opened.again()).toBeNull();
    expect(asked).toHaveLength(2);
  });
});
