import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Doubt } from "./doubt.svelte";

describe("doubting an address", () => {
  let asked: string[];
  let doubt: Doubt;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    doubt = new Doubt((meant) => asked.push(meant));
  });
  afterEach(() => vi.useRealTimers());

  it("asks in a pause of typing, and once", () => {
    for (const text of ["a@gmia", "a@gmial.co", "a@gmial.com"]) {
      doubt.typed(text);
      vi.advanceTimersByTime(200);
    }
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(1000);
    doubt.left("a@gmial.com");
    vi.advanceTimersByTime(1000);
    expect([doubt.meant, asked]).toEqual(["a@gmail.com", ["a@gmail.com"]]);
  });

  it("waits until a click is over when the field is left, and takes off what pasting brought along", () => {
    expect(doubt.left(" b@gmial.com\u200b")).toBe("b@gmial.com");
    expect(doubt.meant).toBeNull();
    vi.advanceTimersByTime(400);
    expect(doubt.meant).toBe("b@gmail.com");
  });

  it("takes the question back while it is typed on", () => {
    doubt.left("c@gmial.com");
    vi.advanceTimersByTime(400);
    doubt.typed("c@gmial.comp");
    expect(doubt.meant).toBeNull();
  });

  it("does not ask again who said no, in no field of this tab", () => {
    doubt.left("d@gmial.com");
    vi.advanceTimersByTime(400);
    doubt.decline("D@gmial.com");
    for (const field of [doubt, new Doubt((meant) => asked.push(meant))]) {
      field.typed("d@gmial.com");
      field.left(" d@gmial.com");
      vi.advanceTimersByTime(2000);
      expect(field.meant).toBeNull();
    }
    expect(asked).toHaveLength(1);
  });

  it("gives what was meant and asks no more", () => {
    doubt.left("e@gmial.com");
    vi.advanceTimersByTime(400);
    expect(doubt.accept()).toBe("e@gmail.com");
    doubt.left("e@gmail.com");
    vi.advanceTimersByTime(2000);
    expect([doubt.meant, asked]).toEqual([null, ["e@gmail.com"]]);
  });
});
