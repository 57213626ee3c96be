/** What the single results of the technical check amount to. Nothing counts as good that nobody has seen or heard. */

import type { CheckResult } from "$shared/api/types";
import type { MediaState } from "$shared/call";
import type { NetworkResult } from "./network";

/** `unneeded`: the citizen does without sound. */
export type Mark = "open" | "running" | "good" | "limited" | "failed" | "unneeded";
export type Part = "camera" | "microphone" | "speaker" | "network";
export type Marks = Readonly<Record<Part, Mark>>;
/** What has been heard of the microphone since it is on. `silent`: nothing, for long enough to say so. */
export type Voice = "awaited" | "silent" | "heard" | "unneeded";
/** Where the test sound stands: not played, playing, asked whether it was heard, and the answer. */
export type Sound = "open" | "playing" | "asked" | "good" | "failed" | "unneeded";

export const PARTS: readonly Part[] = ["camera", "microphone", "speaker", "network"];

export const deviceMark = (device: MediaState["camera"]): Mark =>
  device.state === "on" ? "good" : device.state === "error" ? "failed" : device.state === "starting" ? "running" : "open";

/** A microphone is good once a voice came through it: one that is muted at its switch is on, too. */
export function microphoneMark(device: MediaState["microphone"], voice: Voice): Mark {
  if (voice === "unneeded") return "unneeded";
  const mark = deviceMark(device);
  if (mark !== "good" || voice === "heard") return mark;
  return voice === "silent" ? "failed" : "open";
}

export const speakerMark = (sound: Sound): Mark => (sound === "playing" ? "running" : sound === "asked" ? "open" : sound);

export function networkMark(network: NetworkResult | null, running: boolean): Mark {
  if (running) return "running";
  if (!network) return "open";
  // A busy or unreachable test service says nothing about the citizen's line.
  if (network.verdict === "busy" || network.verdict === "unreachable") return "open";
  return network.verdict;
}

/** What is still to be found out, in the order of the page. */
export const openParts = (marks: Marks): Part[] => PARTS.filter((part) => marks[part] === "open" || marks[part] === "running");

/** The verdict on everything, or null while something is still open. */
export function outcomeOf(marks: Marks): CheckResult["outcome"] | null {
  if (openParts(marks).length > 0) return null;
  const found = PARTS.map((part) => marks[part]);
  return found.includes("failed") ? "failed" : found.includes("limited") ? "limited" : "good";
}

/** The result as the office gets it, or null while something is still open. */
export function resultOf(marks: Marks, network: NetworkResult | null): CheckResult | null {
  const outcome = outcomeOf(marks);
  if (outcome === null) return null;
  return {
    outcome,
    rtt_ms: network?.rttMs ?? null,
    camera: marks.camera === "good",
    microphone: marks.microphone === "good",
    network: marks.network !== "failed",
  };
}
