import { describe, expect, it } from "vitest";

import { networkMark, resultOf } from "./check-model";
import { bestRate, judge, median, type NetworkResult } from "./network";

const on = { state: "on", error: null } as const;
const missing = { state: "error", error: "not_found" } as const;
const good: NetworkResult = { verdict: "good", rttMs: 20, megabits: 12 };

describe("result of the check", () => {
  it("is good when all three are", () => {
    expect(resultOf({ camera: on, microphone: on }, good)).toEqual({ outcome: "good", rtt_ms: 20, camera: true, microphone: true, network: true });
  });

  it("fails without a camera: the identity card must be seen", () => {
    expect(resultOf({ camera: missing, microphone: on }, good)).toMatchObject({ outcome: "failed", camera: false });
  });

  it("is limited on a slow line, failed on a closed one", () => {
    expect(resultOf({ camera: on, microphone: on }, { ...good, verdict: "limited" })?.outcome).toBe("limited");
    expect(resultOf({ camera: on, microphone: on }, { verdict: "failed", rttMs: null, megabits: null })).toMatchObject({ outcome: "failed", network: false });
  });

  it("is no result while something is open, or the test service was busy or away", () => {
    expect(resultOf({ camera: on, microphone: on }, null)).toBeNull();
    expect(resultOf({ camera: { state: "starting", error: null }, microphone: on }, good)).toBeNull();
    for (const verdict of ["busy", "unreachable"] as const) expect(networkMark({ verdict, rttMs: null, megabits: null }, false)).toBe("open");
  });
});

describe("network figures", () => {
  it("are judged by round trip and throughput", () => {
    expect([judge(20, 5), judge(400, 5), judge(20, 0.4), judge(null, 5), judge(20, null)]).toEqual(["good", "limited", "limited", "limited", "limited"]);
  });

  it("take the middle of the pings", () => {
    expect([median([]), median([9]), median([80, 5, 7])]).toEqual([null, 9, 7]);
  });

  it("take the best half second of the throughput: every line starts slowly", () => {
    // 1 s at 0.8 Mbit/s, then 1 s at 8 Mbit/s.
    const samples = Array.from({ length: 21 }, (_, index) => [index * 100, index <= 10 ? index * 10_000 : 100_000 + (index - 10) * 100_000] as const);
    expect(bestRate(samples)).toBeCloseTo(8);
    expect(bestRate([[0, 0]])).toBeNull();
  });
});
