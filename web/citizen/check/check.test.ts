import { describe, expect, it } from "vitest";

import { PARTS, deviceMark, microphoneMark, networkMark, openParts, outcomeOf, resultOf, speakerMark, type Marks } from "./check-model";
import { bestRate, judge, median, type NetworkResult } from "./network";

const on = { state: "on", error: null } as const;
const missing = { state: "error", error: "not_found" } as const;
const line: NetworkResult = { verdict: "good", rttMs: 20, megabits: 12 };
const all: Marks = { camera: "good", microphone: "good", speaker: "good", network: "good" };

describe("result of the check", () => {
  it("is good when all four are", () => {
    expect(resultOf(all, line)).toEqual({ outcome: "good", rtt_ms: 20, camera: true, microphone: true, network: true });
  });

  it("fails without a camera: the identity card must be seen", () => {
    expect(resultOf({ ...all, camera: deviceMark(missing) }, line)).toMatchObject({ outcome: "failed", camera: false });
  });

  it("is limited on a slow line, failed on a closed one", () => {
    expect(resultOf({ ...all, network: "limited" }, line)?.outcome).toBe("limited");
    const closed: NetworkResult = { verdict: "failed", rttMs: null, megabits: null };
    expect(resultOf({ ...all, network: networkMark(closed, false) }, closed)).toMatchObject({ outcome: "failed", network: false });
  });

  it("is no result while anything is open, or the test service was busy or away", () => {
    for (const part of PARTS) {
      expect(outcomeOf({ ...all, [part]: "open" })).toBeNull();
      expect(openParts({ ...all, [part]: "running" })).toEqual([part]);
    }
    for (const verdict of ["busy", "unreachable"] as const) expect(networkMark({ verdict, rttMs: null, megabits: null }, false)).toBe("open");
  });

  it("is not good while the test sound was not heard, or nobody has answered", () => {
    expect(outcomeOf({ ...all, speaker: speakerMark("failed") })).toBe("failed");
    for (const sound of ["open", "playing", "asked"] as const) expect(outcomeOf({ ...all, speaker: speakerMark(sound) })).toBeNull();
  });

  it("is not good while the microphone is silent: its switch may be off", () => {
    expect(microphoneMark(on, "awaited")).toBe("open");
    expect(outcomeOf({ ...all, microphone: microphoneMark(on, "silent") })).toBe("failed");
    expect(microphoneMark(on, "heard")).toBe("good");
    expect(microphoneMark(missing, "heard")).toBe("failed");
  });

  it("asks nobody for sound who does without it", () => {
    const marks = { ...all, microphone: microphoneMark(missing, "unneeded"), speaker: speakerMark("unneeded") };
    expect(resultOf(marks, line)).toMatchObject({ outcome: "good", microphone: false });
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
