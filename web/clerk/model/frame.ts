/**
 * How a frozen frame is looked at: turned, enlarged, moved and lightened. Numbers only; the pixels stay on one canvas
 * of the clerk's page, are sent nowhere and are wiped when the clerk leaves the stage.
 */
export interface FrameView {
  /** Quarter turns clockwise, 0 to 3. */
  turns: number;
  /** 1 shows the whole frame. */
  zoom: number;
  /** Where the middle of the view lies in the frame, each 0 to 1. */
  x: number;
  y: number;
  /** 1 is the picture as it came. */
  brightness: number;
  contrast: number;
}

export const WHOLE: FrameView = { turns: 0, zoom: 1, x: 0.5, y: 0.5, brightness: 1, contrast: 1 };
export const ZOOM = { min: 1, max: 6, step: 0.5 } as const;

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

/** A quarter turn; the view returns to the whole frame's middle, since what lay there has moved. */
export function turned(view: FrameView, by: 1 | -1): FrameView {
  return { ...view, turns: (view.turns + by + 4) % 4, x: 0.5, y: 0.5 };
}

export function zoomed(view: FrameView, zoom: number): FrameView {
  return kept({ ...view, zoom: clamp(zoom, ZOOM.min, ZOOM.max) });
}

/** Move the view by a part of what is visible (0.1 is a tenth). */
export function moved(view: FrameView, dx: number, dy: number): FrameView {
  return kept({ ...view, x: view.x + dx / view.zoom, y: view.y + dy / view.zoom });
}

/** No empty margin: the view stays inside the frame. */
function kept(view: FrameView): FrameView {
  const half = 0.5 / view.zoom;
  return { ...view, x: clamp(view.x, half, 1 - half), y: clamp(view.y, half, 1 - half) };
}

/** Size of the frame after the turns. */
export function turnedSize(view: FrameView, width: number, height: number): { width: number; height: number } {
  return view.turns % 2 === 0 ? { width, height } : { width: height, height: width };
}

/** The affine transform (a, b, c, d, e, f) that draws a frame of `width` x `height` into a canvas of its turned size. */
export function transformOf(view: FrameView, width: number, height: number): [number, number, number, number, number, number] {
  const size = turnedSize(view, width, height);
  const [cos, sin] = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ][view.turns] as [number, number];
  const z = view.zoom;
  // Turn about the frame's middle, then put the wanted point into the canvas's middle.
  const e = size.width / 2 - z * (cos * (width / 2) - sin * (height / 2)) - z * (view.x - 0.5) * size.width;
  const f = size.height / 2 - z * (sin * (width / 2) + cos * (height / 2)) - z * (view.y - 0.5) * size.height;
  return [z * cos, z * sin, -z * sin, z * cos, e, f];
}
