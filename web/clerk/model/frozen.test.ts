import { describe, expect, it } from "vitest";

import { zoomed } from "./frame";
import { FrozenPicture } from "./frozen.svelte";

const CARD = { shows: true };

function held(): FrozenPicture<{ shows: boolean }, { width: number; height: number }> {
  const picture = new FrozenPicture({ width: 0, height: 0 }, ({ shows }: { shows: boolean }, sheet) => {
    if (shows) sheet.width = sheet.height = 720;
    return shows;
  });
  picture.take(CARD);
  return picture;
}

describe("the frozen picture", () => {
  it("stays while identity and application are looked at, as it was turned and enlarged", () => {
    const picture = held();
    picture.view = zoomed(picture.view, 3);
    for (const stage of ["identity", "application", "identity"] as const) picture.follow(stage, true);
    expect(picture.taken).toBe(true);
    expect(picture.sheet.width).toBe(720);
    expect(picture.view.zoom).toBe(3);
  });

  it("is wiped with its pixels when another stage is looked at", () => {
    for (const stage of ["talk", "signature", "payment", "done"] as const) {
      const picture = held();
      picture.follow(stage, true);
      expect([picture.taken, picture.sheet.width, picture.sheet.height]).toEqual([false, 0, 0]);
    }
  });

  it("is wiped when the case is over", () => {
    const picture = held();
    picture.follow("application", false);
    expect([picture.taken, picture.sheet.width]).toEqual([false, 0]);
  });

  it("says when there is nothing to hold, and shows a new one whole", () => {
    const picture = held();
    picture.take({ shows: false });
    expect([picture.taken, picture.missing]).toEqual([false, true]);
    picture.take(undefined);
    expect(picture.missing).toBe(true);
    picture.view = zoomed(picture.view, 3);
    picture.take(CARD);
    expect([picture.taken, picture.missing, picture.view.zoom]).toEqual([true, false, 1]);
  });
});
