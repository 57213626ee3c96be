import { solveChallenge } from "altcha-lib";
import { deriveKey as pbkdf2 } from "altcha-lib/algorithms/web/pbkdf2";
import { deriveKey as sha } from "altcha-lib/algorithms/web/sha";
import type { Challenge } from "altcha-lib/types";

/** One share of the work: every `counterStep`-th number from `counterStart` on. */
interface Work {
  readonly type: "work" | "abort";
  readonly challenge: Challenge;
  readonly counterStart?: number;
  readonly counterStep?: number;
  readonly timeout?: number;
}

let controller: AbortController | null = null;

self.onmessage = async ({ data }: MessageEvent<Work>): Promise<void> => {
  if (data.type === "abort") {
    controller?.abort();
    return;
  }
  controller = new AbortController();
  const { type: _, ...work } = data;
  try {
    const deriveKey = data.challenge.parameters.algorithm.startsWith("PBKDF2") ? pbkdf2 : sha;
    self.postMessage(await solveChallenge({ ...work, controller, deriveKey }));
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
