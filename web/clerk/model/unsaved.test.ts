import { describe, expect, it } from "vitest";

import { Unsaved } from "./unsaved";

describe("what a tab holds unsaved", () => {
  it("is nothing where no page and no case holds anything", () => {
    expect(new Unsaved(() => false).some).toBe(false);
  });

  it("is what a page holds (hours, absences, a booking), until it is saved or left", () => {
    const unsaved = new Unsaved(() => false);
    const release = unsaved.hold();
    expect(unsaved.some).toBe(true);
    release();
    expect(unsaved.some).toBe(false);
  });

  it("outlives a page that lets go twice while the next one holds something", () => {
    const unsaved = new Unsaved(() => false);
    const first = unsaved.hold();
    const second = unsaved.hold();
    first();
    first();
    expect(unsaved.some).toBe(true);
    second();
    expect(unsaved.some).toBe(false);
  });

  it("is what a case holds, too", () => {
    let held = true;
    const unsaved = new Unsaved(() => held);
    expect(unsaved.some).toBe(true);
    held = false;
    expect(unsaved.some).toBe(false);
  });
});
