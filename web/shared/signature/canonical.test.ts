import { describe, expect, it } from "vitest";

import { sha256Hex } from "$shared/document/canonical";
import { drawnSignature, integerStrokes, isSignature, type Stroke, typedSignature } from "./canonical";

const HASH = "ab".repeat(32);
const line = (count: number, from = 0): Stroke =>
  Array.from({ length: count }, (_, index) => ({ x: 10.04 + index, y: 20.26, pressure: 0.5, time: 1_700_000_000_000 + from + index * 8.4 }));

describe("drawn signature", () => {
  it("holds integers only: tenths of a pixel, milliseconds since the first point, thousandths of pressure", () => {
    expect(integerStrokes([line(3)], 100, 40)).toEqual([[[100, 203, 0, 500], [110, 203, 8, 500], [120, 203, 17, 500]]]);
  });

  it("stays in its box and in the order of time, whatever the pointer reported", () => {
    const odd = [{ x: -5, y: 90, pressure: 1.7, time: 100 }, { x: 900, y: -1, pressure: -1, time: 40 }];
    expect(integerStrokes([odd], 100, 40)).toEqual([[[0, 400, 0, 1000], [1000, 0, 0, 0]]]);
  });

  it("is thinned rather than refused when somebody signs for minutes", () => {
    const points = integerStrokes([line(6000), line(6000, 60_000)], 10_000, 40).flat();
    expect(points.length).toBeLessThanOrEqual(5000);
    expect(points.at(-1)?.[2]).toBe(Math.round(60_000 + 5999 * 8.4));
  });

  it("is bound to the document and to its picture", async () => {
    const sent = await drawnSignature(HASH, { strokes: [line(20)], width: 354.4, height: 141.8, pointer: "touch", svg: "<svg/>" });
    expect(sent).toMatchObject({ document_hash: HASH, method: "drawn", svg: "<svg/>" });
    expect(sent.signature).toMatchObject({
      schalter: "signature/1", document_hash: HASH, width: 3544, height: 1418, pointer: "touch", text: "", svg_sha256: await sha256Hex("<svg/>"),
    });
  });

  it("is none when it is a dot or a slip of the finger", () => {
    expect(isSignature([], 100, 40)).toBe(false);
    expect(isSignature([line(1)], 100, 40)).toBe(false);
    expect(isSignature([line(4)], 100, 40)).toBe(false);
    expect(isSignature([line(20)], 100, 40)).toBe(true);
  });
});

describe("typed signature", () => {
  it("carries the name and nothing drawn", () => {
    expect(typedSignature(HASH, "  Erika Mu\u0308ller ")).toEqual({
      document_hash: HASH,
      method: "typed",
      svg: "",
      signature: {
        schalter: "signature/1", document_hash: HASH, width: 0, height: 0, pointer: "keyboard", strokes: [], text: "Erika Müller", svg_sha256: "",
      },
    });
  });
});
