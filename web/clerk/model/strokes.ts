/** A signature as a drawing: path data made of numbers alone, so that nothing foreign can come with it. */
import type { SignatureView } from "$shared/api/types";

type Stroke = SignatureView["strokes"][number];

const tenth = (value: number): number => Math.round(value * 10) / 10;

/** SVG path data of one stroke: curves through the midpoints between points; a dot becomes a hair's line. */
export function pathOf(stroke: Stroke): string {
  const [first, ...rest] = stroke;
  if (first === undefined) return "";
  const start = `M${tenth(first[0])} ${tenth(first[1])}`;
  const last = rest.at(-1);
  if (last === undefined) return `${start}h0.1`;
  const curves = rest.slice(0, -1).map(([x, y], index) => {
    const after = rest[index + 1] ?? last;
    return `Q${tenth(x)} ${tenth(y)} ${tenth((x + after[0]) / 2)} ${tenth((y + after[1]) / 2)}`;
  });
  return `${start}${curves.join("")}L${tenth(last[0])} ${tenth(last[1])}`;
}

export interface Drawing {
  viewBox: string;
  paths: string[];
  pen: number;
}

/** All strokes, cropped to their ink with a small margin; null when there is nothing to draw or a number is none. */
export function drawingOf(signature: Pick<SignatureView, "width" | "height" | "strokes">): Drawing | null {
  const points = signature.strokes.flat();
  if (points.length === 0 || !points.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y))) return null;
  const pen = Math.max(signature.width, signature.height) / 160;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs) - 2 * pen, Math.min(...ys) - 2 * pen];
  const [width, height] = [Math.max(...xs) + 2 * pen - left, Math.max(...ys) + 2 * pen - top];
  return { viewBox: [left, top, width, height].map(tenth).join(" "), paths: signature.strokes.map(pathOf).filter((path) => path !== ""), pen: tenth(pen) };
}
