/** What the single results of the technical check amount to. */

import type { CheckResult } from "$shared/api/types";
import type { MediaState } from "$shared/call";
import type { NetworkResult } from "./network";

export type Mark = "open" | "running" | "good" | "limited" | "failed";

export const deviceMark = (device: MediaState["camera"]): Mark =>
  device.state === "on" ? "good" : device.state === "error" ? "failed" : device.state === "starting" ? "running" : "open";

export function networkMark(network: NetworkResult | null, running: boolean): Mark {
  if (running) return "running";
  if (!network) return "open";
  // A busy or unreachable test service says nothing about the citizen's line.
  if (network.verdict === "busy" || network.verdict === "unreachable") return "open";
  return network.verdict;
}

/** The result as the office gets it, or null while something is still open. */
export function resultOf(media: Pick<MediaState, "camera" | "microphone">, network: NetworkResult | null): CheckResult | null {
  const [camera, microphone, line] = [deviceMark(media.camera), deviceMark(media.microphone), networkMark(network, false)];
  const marks = [camera, microphone, line];
  if (marks.includes("open") || marks.includes("running")) return null;
  return {
    outcome: marks.includes("failed") ? "failed" : marks.includes("limited") ? "limited" : "good",
    rtt_ms: network?.rttMs ?? null,
    camera: camera === "good",
    microphone: microphone === "good",
    network: line !== "failed",
  };
}
