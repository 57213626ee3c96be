import { createChallenge, HmacAlgorithm, solveChallenge, verifySolution } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/web/pbkdf2";
import type { Challenge, Payload } from "altcha-lib/types";
import { afterEach, describe, expect, it, vi } from "vitest";

import { ApiProblem } from "$shared/api/problem";
import { proof, withProof, type Solve } from "./proof.svelte";

const SECRET = "secret of the service";
const make = (): Promise<Challenge> =>
  createChallenge({ algorithm: "PBKDF2/SHA-256", cost: 10, keyPrefix: "0", deriveKey, hmacSignatureSecret: SECRET, hmacAlgorithm: HmacAlgorithm.SHA_256 });
const solve: Solve = (challenge) => solveChallenge({ challenge, deriveKey });
const required = (challenge: unknown): ApiProblem => new ApiProblem(429, "proof_required", "", "", [], null, { challenge });

afterEach(() => vi.unstubAllGlobals());

describe("a proof of work", () => {
  it("is not made unless the service asks", async () => {
    expect(await withProof((header) => Promise.resolve(header), () => Promise.reject(new Error("not asked")))).toBeNull();
  });

  it("repeats the request with a payload that the service's library accepts, and says meanwhile that it works", async () => {
    const challenge = await make();
    const seen: boolean[] = [];
    const header = await withProof(
      (known) => (known ? Promise.resolve(known) : Promise.reject(required(challenge))),
      async (given) => {
        seen.push(proof.running);
        return solve(given);
      },
    );
    expect(seen).toEqual([true]);
    expect(proof.running).toBe(false);
    const payload = JSON.parse(atob(header)) as Payload;
    expect(await verifySolution({ ...payload, deriveKey, hmacSignatureSecret: SECRET })).toMatchObject({ verified: true });
  });

  it("is made anew when the first came too late, but not for ever", async () => {
    const asked = vi.fn((_: string | null) => make().then((challenge) => Promise.reject(required(challenge))));
    await expect(withProof(asked, solve)).rejects.toMatchObject({ code: "proof_required" });
    expect(asked).toHaveBeenCalledTimes(4);
    expect(new Set(asked.mock.calls.map(([known]) => known)).size).toBe(4);
  });

  it("that this device cannot make is a problem with its own code", async () => {
    const challenge = await make();
    const send = (): Promise<never> => Promise.reject(required(challenge));
    await expect(withProof(send, () => Promise.resolve(null))).rejects.toMatchObject({ code: "proof_failed" });
    await expect(withProof(send, () => Promise.reject(new Error("no workers")))).rejects.toMatchObject({ code: "proof_failed" });
    expect(proof.running).toBe(false);
  });

  it("leaves every other refusal alone", async () => {
    const refusal = new ApiProblem(429, "limit_reached", "", "");
    await expect(withProof(() => Promise.reject(refusal), solve)).rejects.toBe(refusal);
  });
});

describe("the worker", () => {
  it("solves its share of the numbers", async () => {
    const answers: unknown[] = [];
    const scope = { onmessage: null as ((event: { data: unknown }) => Promise<void>) | null, postMessage: (answer: unknown) => void answers.push(answer) };
    vi.stubGlobal("self", scope);
    await import("./worker");
    const challenge = await make();
    await scope.onmessage?.({ data: { type: "work", challenge, counterStart: 1, counterStep: 2 } });
    const [solution] = answers as [Payload["solution"]];
    expect(solution.counter % 2).toBe(1);
    expect(await verifySolution({ challenge, solution, deriveKey, hmacSignatureSecret: SECRET })).toMatchObject({ verified: true });
    await scope.onmessage?.({ data: { type: "work", challenge: { parameters: { ...challenge.parameters, algorithm: "MD5" } } } });
    expect(answers[1]).toMatchObject({ error: expect.stringContaining("MD5") as string });
  });
});
