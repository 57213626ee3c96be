import { describe, expect, it } from "vitest";

import { drawingOf, pathOf } from "./strokes";

describe("a signature as a drawing", () => {
  it("runs smoothly through the midpoints and ends where the pen did", () => {
    expect(pathOf([[0, 0, 0, 500], [10, 20, 5, 500], [20, 0, 9, 500]])).toBe("M0 0Q10 20 15 10L20 0");
    expect(pathOf([[3, 4, 0, 500]])).toBe("M3 4h0.1");
    expect(pathOf([])).toBe("");
  });

  it("is cropped to its ink", () => {
    const drawing = drawingOf({ width: 1600, height: 400, strokes: [[[100, 100, 0, 500], [300, 200, 5, 500]]] });
    expect(drawing).toMatchObject({ viewBox: "80 80 240 140", pen: 10 });
  });

  it("is nothing without ink, and nothing when a number is none", () => {
    expect(drawingOf({ width: 10, height: 10, strokes: [] })).toBeNull();
    const foreign = '"><script>' as unknown as number;
    expect(drawingOf({ width: 10, height: 10, strokes: [[[foreign, 0, 0, 0]]] })).toBeNull();
  });
});
