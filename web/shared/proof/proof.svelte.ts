import type { Challenge, Payload, Solution } from "altcha-lib/types";

import { ApiProblem, isProblem } from "$shared/api/problem";
import { part, PartMissing } from "$shared/ui/mishap";

/** How often one request may be asked for a proof: the first may have grown too old while a slow device worked. */
const MOST_PROOFS = 3;
/** The hardest proof takes a telephone with four cores two minutes; what it is for is reserved meanwhile, or free. */
const LONGEST_MS = 240_000;
/** More than these would make a phone hot without being done sooner. */
const MOST_WORKERS = 4;

export type Solve = (challenge: Challenge) => Promise<Solution | null>;

let working = $state(0);

/** Whether this device works on a proof right now; a page shows a calm note meanwhile. */
export const proof = {
  get running(): boolean {
    return working > 0;
  },
};

/** Solves a challenge in workers of our own origin, so that the page stays responsive. Null: not within the time. */
async function solveInWorkers(challenge: Challenge): Promise<Solution | null> {
  const { solveChallengeWorkers } = await part(() => import("altcha-lib"));
  return solveChallengeWorkers({
    challenge,
    concurrency: Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1),
    createWorker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
    timeout: LONGEST_MS,
  });
}

/** The header's value: challenge and solution, base64 of their JSON, as altcha's servers read it. */
export function payloadOf(challenge: Challenge, solution: Solution): string {
  const payload: Payload = { challenge: { parameters: challenge.parameters, ...(challenge.signature ? { signature: challenge.signature } : {}) }, solution };
  return btoa(JSON.stringify(payload));
}

function isChallenge(value: unknown): value is Challenge {
  return typeof value === "object" && value !== null && typeof (value as Partial<Challenge>).parameters?.algorithm === "string";
}

/**
 * Sends a request and, when the service asks for a proof of work (429 `proof_required`), works and sends it again with
 * the proof. `send` must repeat the very same request, under the same Idempotency-Key.
 *
 * @throws ApiProblem: whatever `send` throws, and `proof_failed` when this device cannot solve the challenge.
 * @throws PartMissing when the part that solves it cannot be loaded.
 */
export async function withProof<T>(send: (proof: string | null) => Promise<T>, solve: Solve = solveInWorkers): Promise<T> {
  let known: string | null = null;
  for (let asked = 0; ; asked += 1) {
    try {
      return await send(known);
    } catch (problem) {
      const challenge = isProblem(problem, "proof_required") ? problem.extra["challenge"] : null;
      if (!isChallenge(challenge) || asked === MOST_PROOFS) throw problem;
      known = await work(challenge, solve);
    }
  }
}

async function work(challenge: Challenge, solve: Solve): Promise<string> {
  working += 1;
  try {
    const solution = await solve(challenge);
    if (solution) return payloadOf(challenge, solution);
    throw new ApiProblem(429, "proof_failed", "No proof of work", "not within the time");
  } catch (cause) {
    if (isProblem(cause) || cause instanceof PartMissing) throw cause;
    const problem = new ApiProblem(429, "proof_failed", "No proof of work", String(cause));
    problem.cause = cause;
    throw problem;
  } finally {
    working -= 1;
  }
}
