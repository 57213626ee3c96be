import { describe, expect, it } from "vitest";

import { AFTERMATH_MS, type Press, Presses } from "./activation";

const next = {};
const complete = {};
const press = (change: Partial<Press>): Press => ({ at: 0, x: 100, y: 100, count: 1, pointer: "mouse", control: next, meaning: "Weiter", once: false, ...change });

describe("the second half of a double click", () => {
  it("never reaches another control, nor the same one once it means something else", () => {
    for (const second of [{ control: complete }, { meaning: "Fall abschließen" }, { control: null, meaning: "" }]) {
      const presses = new Presses();
      expect(presses.admits(press({}))).toBe(true);
      expect(presses.admits(press({ at: 200, count: 2, ...second }))).toBe(false);
      expect(presses.admits(press({ at: 300, count: 3, ...second }))).toBe(false);
    }
  });

  it("may do again what the first half did, as plus and minus do", () => {
    const presses = new Presses();
    for (let count = 1; count < 6; count += 1) expect(presses.admits(press({ at: count * 90, count }))).toBe(true);
  });

  it("does not send again what was sent with the first half, though the answer came in between", () => {
    const presses = new Presses();
    expect(presses.admits(press({ once: true }))).toBe(true);
    expect(presses.admits(press({ once: true, at: 250, count: 2 }))).toBe(false);
    expect(presses.admits(press({ once: true, at: 2000 }))).toBe(true);
  });

  it("is known by place and time where a finger taps", () => {
    const tap = { pointer: "touch" };
    const presses = new Presses();
    expect(presses.admits(press(tap))).toBe(true);
    expect(presses.admits(press({ ...tap, at: 300, control: complete }))).toBe(false);
    expect(presses.admits(press({ ...tap, at: 350, x: 300, control: complete }))).toBe(true);
    expect(presses.admits(press({ ...tap, at: 900, x: 300 }))).toBe(true);
  });

  it("is not what a quick hand with a mouse does elsewhere, nor what a script or a key presses", () => {
    const presses = new Presses();
    expect(presses.admits(press({}))).toBe(true);
    expect(presses.admits(press({ at: 50, control: complete }))).toBe(true);
    expect(presses.admits(press({ at: 60, count: 0, pointer: "" }))).toBe(true);
  });
});

describe("a held key", () => {
  it("goes on pressing what it pressed first, and nothing that came to the focus meanwhile", () => {
    const presses = new Presses();
    expect(presses.admitsKey(next, false, false)).toBe(true);
    expect(presses.admitsKey(next, false, true)).toBe(true);
    expect(presses.admitsKey(complete, false, true)).toBe(false);
    expect(presses.admitsKey(complete, true, false)).toBe(true);
    expect(presses.admitsKey(complete, true, true)).toBe(false);
  });
});

describe("what appears", () => {
  it("comes of an act for a while after it, refused or not, and never on a fresh page", () => {
    const presses = new Presses();
    expect(presses.followsAct(0)).toBe(false);
    presses.admits(press({ at: 1000 }));
    expect(presses.followsAct(1000 + AFTERMATH_MS - 1)).toBe(true);
    expect(presses.followsAct(1000 + AFTERMATH_MS)).toBe(false);
    presses.admits(press({ at: 4000 }));
    presses.admits(press({ at: 4200, count: 2, control: complete }));
    expect(presses.followsAct(4199 + AFTERMATH_MS)).toBe(true);
  });

  it("comes of what somebody else did, too", () => {
    const presses = new Presses();
    presses.moved(500);
    expect(presses.followsAct(600)).toBe(true);
  });
});
