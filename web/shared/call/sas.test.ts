import { describe, expect, it } from "vitest";

import type { Role } from "./protocol";
import { commitment, encodeFields, type Fingerprints, REFUSE, type SasState, Verification, verificationCode } from "./sas";

const CALL = "7b0c4f5e-2f3a-4a53-9c55-0d3f1a2b3c4d";
const CITIZEN = "ab".repeat(32);
const CLERK = "cd".repeat(32);
const range = (from: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: 32 }, (_, index) => from + index);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const frame = (type: string, value: string): string => JSON.stringify({ type, value });

/** Small deterministic generator (mulberry32): a failing case can be run again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Side {
  run: Verification;
  sent: string[];
  states: SasState[];
  seen: Fingerprints;
}

function side(role: Role, seen: Fingerprints, nonce?: Uint8Array<ArrayBuffer>): Side {
  const sent: string[] = [];
  const states: SasState[] = [];
  const result = { sent, states, seen } as Side;
  result.run = new Verification({
    role,
    callId: CALL,
    readFingerprints: () => Promise.resolve({ ...result.seen }),
    send: (text) => sent.push(text),
    onchange: (state) => states.push(state),
    ...(nonce ? { randomBytes: () => nonce } : {}),
  });
  return result;
}

const citizenSide = (nonce?: Uint8Array<ArrayBuffer>, remote = CLERK): Side => side("citizen", { own: CITIZEN, remote }, nonce);
const clerkSide = (nonce?: Uint8Array<ArrayBuffer>, remote = CITIZEN): Side => side("clerk", { own: CLERK, remote }, nonce);

/** Carries messages both ways, in order, until nobody says anything. */
async function converse(citizen: Side, clerk: Side): Promise<void> {
  await citizen.run.start();
  await clerk.run.start();
  while (citizen.sent.length + clerk.sent.length > 0) {
    for (const text of citizen.sent.splice(0)) await clerk.run.receive(text);
    for (const text of clerk.sent.splice(0)) await citizen.run.receive(text);
  }
}

describe("encoding and fixed vectors (computed independently in Python)", () => {
  it("prefixes every field with its length, so that fields cannot run into each other", () => {
    expect(hex(encodeFields("a", ""))).toBe("000000016100000000");
    expect(hex(encodeFields("ab", "c"))).not.toBe(hex(encodeFields("a", "bc")));
  });

  it("commits", async () => {
    expect(await commitment(CALL, CITIZEN, range(0))).toBe("fb6bc50d5f619ea88070510098cb7991ae6327afb5d4c3a33e05a565fd529978");
    expect(await commitment("", CITIZEN, new Uint8Array(32))).toBe(
      "3798d2a1de804ace988e91dd3d91852db4e099782c6a946f4fc2293235fa9b9d",
    );
  });

  it("computes the code, with leading zeros", async () => {
    const input = { callId: CALL, citizenFingerprint: CITIZEN, clerkFingerprint: CLERK, citizenNonce: range(0) };
    const leading = Buffer.from("6b0fb4e78f5cb10bca500b797a781c540d2f7d195be9ec773e1c073e41998be5", "hex");
    expect(await verificationCode({ ...input, clerkNonce: range(32) })).toBe("942 612");
    expect(await verificationCode({ ...input, clerkNonce: leading })).toBe("007 735");
  });
});

describe("an honest call", () => {
  it("gives both sides the same code", async () => {
    const citizen = citizenSide(range(0));
    const clerk = clerkSide(range(32));
    await converse(citizen, clerk);
    expect(citizen.run.state).toEqual({ state: "code", code: "942 612", failure: null });
    expect(clerk.run.state).toEqual(citizen.run.state);
  });

  it("accepts a commit that overtakes the clerk's own connection event", async () => {
    const citizen = citizenSide();
    const clerk = clerkSide();
    await citizen.run.start();
    await clerk.run.receive(citizen.sent.shift());
    expect(clerk.run.state.state).toBe("idle");
    await converse(citizen, clerk);
    expect(clerk.run.state.code).toBe(citizen.run.state.code);
    expect(clerk.run.state.code).toMatch(/^\d{3} \d{3}$/);
  });

  it("draws new nonces for every run", async () => {
    const codes = new Set<string | null>();
    for (let run = 0; run < 20; run++) {
      const citizen = citizenSide();
      await converse(citizen, clerkSide());
      codes.add(citizen.run.state.code);
    }
    expect(codes.size).toBeGreaterThan(15);
  });
});

describe("final failures", () => {
  const malformed: unknown[] = [
    "", "{}", "null", "[]", "commit", frame("commit", "ab"), frame("commit", "AB".repeat(32)), frame("commit", "zz".repeat(32)),
    frame("hello", "ab".repeat(32)), JSON.stringify({ type: "commit", value: "ab".repeat(32), more: 1 }),
    JSON.stringify({ type: "commit", value: 7 }), " ".repeat(500), new ArrayBuffer(8), undefined,
  ];

  it.each(malformed.map((text) => [text]))("malformed: %j", async (text) => {
    const clerk = clerkSide();
    await clerk.run.start();
    await clerk.run.receive(text);
    expect(clerk.run.state).toEqual({ state: "failed", code: null, failure: "malformed" });
  });

  it("a commitment that does not open", async () => {
    const clerk = clerkSide();
    await clerk.run.start();
    await clerk.run.receive(frame("commit", await commitment(CALL, CITIZEN, range(0))));
    await clerk.run.receive(frame("reveal", hex(range(1))));
    expect(clerk.run.state.failure).toBe("commitment_mismatch");
  });

  it("a commitment made for another certificate than the clerk sees", async () => {
    const citizen = citizenSide();
    const clerk = clerkSide(undefined, "ee".repeat(32));
    await converse(citizen, clerk);
    expect(clerk.run.state.failure).toBe("commitment_mismatch");
  });

  it("a message after the code takes the code back", async () => {
    const citizen = citizenSide();
    const clerk = clerkSide();
    await converse(citizen, clerk);
    await citizen.run.receive(frame("nonce", hex(range(9))));
    expect(citizen.run.state).toEqual({ state: "failed", code: null, failure: "out_of_order" });
  });

  it("the other side gave up, at any time", async () => {
    for (const before of [false, true]) {
      const citizen = citizenSide();
      const clerk = clerkSide();
      if (before) await converse(citizen, clerk);
      else await clerk.run.start();
      await clerk.run.receive(REFUSE);
      expect(clerk.run.state).toEqual({ state: "failed", code: null, failure: "refused_by_peer" });
    }
  });

  it("certificates that change before the reveal: the nonce is not given away", async () => {
    const citizen = citizenSide();
    await citizen.run.start();
    citizen.sent.length = 0;
    citizen.seen.remote = "ee".repeat(32);
    await citizen.run.receive(frame("nonce", hex(range(9))));
    expect(citizen.run.state.failure).toBe("certificate_changed");
    expect(citizen.sent).toEqual([]);
  });

  it("certificates that change after the code", async () => {
    const citizen = citizenSide();
    const clerk = clerkSide();
    await converse(citizen, clerk);
    await clerk.run.recheck();
    expect(clerk.run.state.state).toBe("code");
    clerk.seen.remote = "ee".repeat(32);
    await clerk.run.recheck();
    expect(clerk.run.state.failure).toBe("certificate_changed");
  });

  it("a browser that cannot tell the certificates", async () => {
    const run = new Verification({
      role: "citizen", callId: CALL, readFingerprints: () => Promise.reject(new Error("no such interface")),
      send: () => undefined, onchange: () => undefined,
    });
    await run.start();
    expect(run.state.failure).toBe("unsupported");
  });

  it("stays failed, whatever comes, and says nothing more", async () => {
    const citizen = citizenSide();
    await citizen.run.start();
    citizen.sent.length = 0;
    citizen.run.fail("rejected");
    await citizen.run.receive(frame("nonce", hex(range(9))));
    await citizen.run.start();
    expect(citizen.run.state).toEqual({ state: "failed", code: null, failure: "rejected" });
    expect(citizen.sent).toEqual([]);
  });
});

describe("random orders", () => {
  it("show a code for exactly the one right order, and fail for good otherwise", async () => {
    const random = generator(20260101);
    const letters = ["start", "commit", "nonce", "reveal", "wrong-reveal", "junk"] as const;
    const right = { clerk: ["start,commit,reveal", "commit,start,reveal"], citizen: ["start,nonce"] };
    const commit = await commitment(CALL, CITIZEN, range(0));
    const frames: Record<string, string> = {
      commit: frame("commit", commit), nonce: frame("nonce", hex(range(32))), reveal: frame("reveal", hex(range(0))),
      "wrong-reveal": frame("reveal", hex(range(7))), junk: "{",
    };
    const reached = { clerk: 0, citizen: 0 };
    for (let round = 0; round < 3000; round++) {
      const role: Role = random() < 0.5 ? "clerk" : "citizen";
      const length = 1 + Math.floor(random() * 5);
      const order = Array.from({ length }, () => letters[Math.floor(random() * letters.length)] ?? "junk");
      const one = role === "clerk" ? clerkSide(range(32)) : citizenSide(range(0));
      for (const letter of order) await (letter === "start" ? one.run.start() : one.run.receive(frames[letter]));
      // A repeated start is harmless (a second connection event), so it does not count as a step.
      const steps = order.filter((letter, index) => letter !== "start" || order.indexOf("start") === index).join(",");
      const expected = right[role].includes(steps);
      expect(one.run.state.state === "code", `${role}: ${order.join(",")}`).toBe(expected);
      if (expected) reached[role] += 1;
      const beginnings = right[role].map((path) => path.startsWith(steps));
      if (!beginnings.includes(true)) expect(one.run.state.state, `${role}: ${order.join(",")}`).toMatch(/failed|idle/);
    }
    expect(reached.clerk).toBeGreaterThan(0);
    expect(reached.citizen).toBeGreaterThan(0);
  });
});

describe("a man in the middle with certificates of his own", () => {
  const FAKE_CLERK = "11".repeat(32);
  const FAKE_CITIZEN = "22".repeat(32);
  const victims = (): [Side, Side] => [citizenSide(undefined, FAKE_CLERK), clerkSide(undefined, FAKE_CITIZEN)];
  const valueOf = (text: string | undefined): string => (JSON.parse(text ?? "{}") as { value: string }).value;
  const equalCodes = (citizen: Side, clerk: Side): boolean =>
    citizen.run.state.state === "code" && clerk.run.state.state === "code" && citizen.run.state.code === clerk.run.state.code;

  it("would win against a plain hash: grinding certificates finds equal short codes quickly", async () => {
    // Why the commitment is there. Two digits stand in for six, so that the test takes milliseconds.
    const plainCode = async (one: string, other: string): Promise<string> => {
      const [first, second] = [one, other].sort();
      const bytes = encodeFields(first ?? "", second ?? "");
      return String(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))[0] ?? 0);
    };
    const target = await plainCode(CLERK, FAKE_CITIZEN);
    let tries = 0;
    while ((await plainCode(CITIZEN, tries.toString(16).padStart(64, "0"))) !== target) tries += 1;
    expect(tries).toBeLessThan(5000);
  });

  it("cannot pass the messages through", async () => {
    const [citizen, clerk] = victims();
    await converse(citizen, clerk);
    expect(clerk.run.state.failure).toBe("commitment_mismatch");
    expect(equalCodes(citizen, clerk)).toBe(false);
  });

  it("cannot answer the commitment late: a nonce ground after the clerk's is refused", async () => {
    const [citizen, clerk] = victims();
    await Promise.all([citizen.run.start(), clerk.run.start()]);
    await clerk.run.receive(frame("commit", await commitment(CALL, FAKE_CITIZEN, range(0))));
    const clerkNonce = Buffer.from(valueOf(clerk.sent.shift()), "hex");
    await citizen.run.receive(frame("nonce", hex(range(3))));
    citizen.sent.shift();
    const citizenNonce = Buffer.from(valueOf(citizen.sent.shift()), "hex");
    const shown = await verificationCode({
      callId: CALL, citizenFingerprint: CITIZEN, clerkFingerprint: FAKE_CLERK, citizenNonce, clerkNonce: range(3),
    });
    expect(citizen.run.state.code).toBe(shown);
    // He now knows everything and can grind a nonce whose first digits fit, but it does not open his commitment.
    let ground = new Uint8Array(32);
    for (let attempt = 0; attempt < 2000; attempt++) {
      const candidate = new Uint8Array(32);
      new DataView(candidate.buffer).setUint32(0, attempt);
      const code = await verificationCode({
        callId: CALL, citizenFingerprint: FAKE_CITIZEN, clerkFingerprint: CLERK, citizenNonce: candidate, clerkNonce,
      });
      if (code.slice(0, 3) === shown.slice(0, 3)) ground = candidate;
    }
    await clerk.run.receive(frame("reveal", hex(ground)));
    expect(clerk.run.state.failure).toBe("commitment_mismatch");
    expect(equalCodes(citizen, clerk)).toBe(false);
  });

  it.each([["citizen first"], ["clerk first"]])("never gets equal codes on both sides, playing both roles: %s", async (order) => {
    const random = generator(order.length);
    const bytes = (): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256));
    for (let attempt = 0; attempt < 300; attempt++) {
      const [citizen, clerk] = victims();
      await Promise.all([citizen.run.start(), clerk.run.start()]);
      const asClerk = async (): Promise<void> => citizen.run.receive(frame("nonce", hex(bytes())));
      const asCitizen = async (): Promise<void> => {
        const nonce = bytes();
        await clerk.run.receive(frame("commit", await commitment(CALL, FAKE_CITIZEN, nonce)));
        await clerk.run.receive(frame("reveal", hex(nonce)));
      };
      for (const play of order === "citizen first" ? [asClerk, asCitizen] : [asCitizen, asClerk]) await play();
      expect(citizen.run.state.state).toBe("code");
      expect(clerk.run.state.state).toBe("code");
      expect(equalCodes(citizen, clerk)).toBe(false);
    }
  });
});
