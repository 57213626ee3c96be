/**
 * A signature in the form that is stored: integers only, bound to the hash of the document it is for.
 *
 * Box and points are CSS pixels times ten, times are milliseconds since the first point, pressure goes from 0 to 1000.
 * Points are biometric data: they leave the page only in the one request that signs.
 */

import type { SignatureSubmission } from "$shared/api/types";
import { sha256Hex } from "$shared/document/canonical";

export interface DrawnPoint {
  readonly x: number;
  readonly y: number;
  readonly pressure: number;
  readonly time: number;
}
export type Stroke = readonly DrawnPoint[];
export type Pointer = "mouse" | "touch" | "pen";

const SCALE = 10;
/** The service takes 5,000 points; a long signature is thinned rather than refused. */
const MOST_POINTS = 4000;
const SMALLEST_SPAN = 1 / 20;

/** Whether the strokes reach over a twentieth of the box: a slip of the finger is no signature. */
export function isSignature(strokes: readonly Stroke[], width: number, height: number): boolean {
  const points = strokes.flat();
  if (points.length < 2) return false;
  const span = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
  const reach = Math.max(span(points.map(({ x }) => x)), span(points.map(({ y }) => y)));
  return reach >= SMALLEST_SPAN * Math.max(width, height);
}

function thinned(strokes: readonly Stroke[]): readonly Stroke[] {
  const total = strokes.reduce((count, stroke) => count + stroke.length, 0);
  const step = Math.ceil(total / MOST_POINTS);
  if (step <= 1) return strokes;
  return strokes.map((stroke) => stroke.filter((_, index) => index % step === 0 || index === stroke.length - 1));
}

/** Strokes as integer tuples [x, y, ms, pressure], inside the box and in the order of time. */
export function integerStrokes(strokes: readonly Stroke[], width: number, height: number): number[][][] {
  const start = strokes[0]?.[0]?.time ?? 0;
  const within = (value: number, most: number): number => Math.min(Math.max(Math.round(value * SCALE), 0), Math.round(most * SCALE));
  let latest = 0;
  return thinned(strokes).map((stroke) =>
    stroke.map(({ x, y, pressure, time }) => {
      latest = Math.max(latest, Math.round(time - start));
      const force = Math.min(Math.max(Math.round(pressure * 1000), 0), 1000);
      return [within(x, width), within(y, height), latest, force];
    }),
  );
}

export interface Drawing {
  readonly strokes: readonly Stroke[];
  readonly width: number;
  readonly height: number;
  readonly pointer: Pointer;
  readonly svg: string;
}

/** What is sent for a drawn signature of the document with this hash. */
export async function drawnSignature(documentHash: string, drawing: Drawing): Promise<SignatureSubmission> {
  const { strokes, width, height, pointer, svg } = drawing;
  return {
    document_hash: documentHash,
    method: "drawn",
    svg,
    signature: {
      schalter: "signature/1",
      document_hash: documentHash,
      width: Math.round(width * SCALE),
      height: Math.round(height * SCALE),
      pointer,
      strokes: integerStrokes(strokes, width, height),
      text: "",
      svg_sha256: await sha256Hex(svg),
    },
  };
}

/** What is sent when the name was typed instead: for whoever cannot or does not want to draw. */
export function typedSignature(documentHash: string, name: string): SignatureSubmission {
  return {
    document_hash: documentHash,
    method: "typed",
    svg: "",
    signature: {
      schalter: "signature/1",
      document_hash: documentHash,
      width: 0,
      height: 0,
      pointer: "keyboard",
      strokes: [],
      text: name.normalize("NFC").trim(),
      svg_sha256: "",
    },
  };
}
