/**
 * Verification code with commitment: tells both people whether somebody sits between them.
 *
 * A plain hash of both certificates as a short code can be ground by a man in the middle in seconds. Here the citizen
 * commits to a nonce before the clerk reveals one, so whoever relays has one blind guess in a million per run:
 *
 *     citizen -> clerk   commit  SHA256(T("vba-sas/1 commit", callId, "citizen", fpC, nC))
 *     clerk  -> citizen  nonce   nK         only after the commit
 *     citizen -> clerk   reveal  nC         only after the nonce; certificates re-read
 *     both               code    first 8 bytes of SHA256(T("vba-sas/1 code", callId, fpC, fpK, nC, nK)) mod 1,000,000
 *
 * One run per certificate pair. Whatever is out of order, repeated or malformed, before or after the code, is final.
 * Whoever gives up says so in a last frame, `refuse`. It proves nothing and need not arrive (who sits in between may drop
 * it): it only spares the other side a wait for a connection that will not come back.
 */

import type { Role } from "./protocol";

/** SHA-256 of the two DER certificates that DTLS used, lower-case hex, seen from this side. */
export interface Fingerprints {
  own: string;
  remote: string;
}

export type SasFailure =
  | "malformed"
  | "out_of_order"
  | "commitment_mismatch"
  | "certificate_changed"
  | "unsupported"
  | "interrupted"
  | "rejected"
  | "refused_by_peer";

export type SasState =
  | { state: "idle" | "running"; code: null; failure: null }
  | { state: "code"; code: string; failure: null }
  | { state: "failed"; code: null; failure: SasFailure };

export interface SasOptions {
  role: Role;
  callId: string;
  /** Reads the certificates in use, anew on every call; rejects with `code` "certificate_changed" when they are not ours. */
  readFingerprints: () => Promise<Fingerprints>;
  send: (frame: string) => void;
  onchange: (state: SasState) => void;
  /** Source of nonces; tests fix it. */
  randomBytes?: (count: number) => Uint8Array<ArrayBuffer>;
}

type MessageType = "commit" | "nonce" | "reveal";
interface SasMessage {
  type: MessageType;
  value: string;
}

/** The last frame of a side that gave up. */
export const REFUSE = JSON.stringify({ type: "refuse" });

const HEX_32_BYTES = /^[0-9a-f]{64}$/;
const LONGEST_FRAME = 128;

const encoder = new TextEncoder();
const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const systemRandom = (count: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(count));

/** T(...): each field prefixed with its length as 4 bytes, big-endian, so that no two field lists encode alike. */
export function encodeFields(...fields: (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const parts = fields.map((field) => (typeof field === "string" ? encoder.encode(field) : field));
  const encoded = new Uint8Array(parts.reduce((length, part) => length + 4 + part.length, 0));
  const view = new DataView(encoded.buffer);
  let offset = 0;
  for (const part of parts) {
    view.setUint32(offset, part.length);
    encoded.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return encoded;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** The citizen's commitment to its nonce and certificate, lower-case hex. */
export async function commitment(callId: string, citizenFingerprint: string, citizenNonce: Uint8Array): Promise<string> {
  return toHex(await sha256(encodeFields("vba-sas/1 commit", callId, "citizen", citizenFingerprint, citizenNonce)));
}

export interface CodeInput {
  callId: string;
  citizenFingerprint: string;
  clerkFingerprint: string;
  citizenNonce: Uint8Array;
  clerkNonce: Uint8Array;
}

/** The six digits both people compare, as "123 456". */
export async function verificationCode(input: CodeInput): Promise<string> {
  const { callId, citizenFingerprint, clerkFingerprint, citizenNonce, clerkNonce } = input;
  const digest = await sha256(
    encodeFields("vba-sas/1 code", callId, citizenFingerprint, clerkFingerprint, citizenNonce, clerkNonce),
  );
  const number = new DataView(digest.buffer).getBigUint64(0) % 1_000_000n;
  const digits = number.toString().padStart(6, "0");
  return `${digits.slice(0, 3)} ${digits.slice(3)}`;
}

function parseFrame(frame: unknown): SasMessage | null {
  if (typeof frame !== "string" || frame.length > LONGEST_FRAME) return null;
  let fields: unknown;
  try {
    fields = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof fields !== "object" || fields === null || Object.keys(fields).length !== 2) return null;
  const { type, value } = fields as Partial<SasMessage>;
  if (type !== "commit" && type !== "nonce" && type !== "reveal") return null;
  return typeof value === "string" && HEX_32_BYTES.test(value) ? { type, value } : null;
}

/** One run of the protocol on one side. Feed it what the data channel brings; it answers through `send` and `onchange`. */
export class Verification {
  #state: SasState = { state: "idle", code: null, failure: null };
  #expected: MessageType | null = null;
  #frozen: Fingerprints | null = null;
  #ownNonce: Uint8Array<ArrayBuffer> | null = null;
  #commit: string | null = null;
  #early: unknown[] = [];
  /** Everything runs through one queue: hashing is asynchronous, and the order of messages is what the proof rests on. */
  #queue: Promise<void> = Promise.resolve();

  constructor(private readonly options: SasOptions) {}

  get state(): SasState {
    return this.#state;
  }

  /** Freezes both certificates and opens the run. Call once the connection is connected, stable and the channel open. */
  start(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#state.state !== "idle") return;
      this.#frozen = await this.options.readFingerprints();
      this.#ownNonce = (this.options.randomBytes ?? systemRandom)(32);
      this.#change({ state: "running", code: null, failure: null });
      if (this.options.role === "citizen") {
        this.#send("commit", await commitment(this.options.callId, this.#frozen.own, this.#ownNonce));
        this.#expected = "nonce";
      } else {
        this.#expected = "commit";
      }
      for (const frame of this.#early.splice(0)) await this.#handle(frame);
    });
  }

  /** Takes one frame of the data channel. */
  receive(frame: unknown): Promise<void> {
    return this.#enqueue(() => this.#handle(frame));
  }

  /** Looks again whether the connection still uses the frozen certificates (after an ICE restart, or on any doubt). */
  recheck(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#frozen) await this.#readFrozen();
    });
  }

  /** The people compared and the codes differ, or the channel broke in mid-run: final. */
  fail(failure: SasFailure): void {
    if (this.#state.state === "failed") return;
    this.#expected = null;
    this.#change({ state: "failed", code: null, failure });
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      if (this.#state.state === "failed") return;
      try {
        await step();
      } catch (error) {
        this.fail((error as { code?: unknown }).code === "certificate_changed" ? "certificate_changed" : "unsupported");
      }
    });
    return this.#queue;
  }

  async #handle(frame: unknown): Promise<void> {
    if (this.#state.state === "failed") return;
    if (frame === REFUSE) return this.fail("refused_by_peer");
    if (this.#state.state === "idle") {
      // The clerk's connection event may come after the citizen's first message; nothing else can be early.
      if (this.options.role !== "clerk" || this.#early.length > 0) return this.fail("out_of_order");
      this.#early.push(frame);
      return;
    }
    const message = parseFrame(frame);
    if (!message) return this.fail("malformed");
    if (message.type !== this.#expected) return this.fail("out_of_order");
    if (message.type === "commit") this.#onCommit(message.value);
    else if (message.type === "nonce") await this.#onNonce(fromHex(message.value));
    else await this.#onReveal(fromHex(message.value));
  }

  #onCommit(value: string): void {
    if (!this.#ownNonce) return;
    this.#commit = value;
    this.#expected = "reveal";
    this.#send("nonce", toHex(this.#ownNonce));
  }

  async #onNonce(clerkNonce: Uint8Array): Promise<void> {
    this.#expected = null;
    const { own, remote } = await this.#readFrozen();
    if (!this.#ownNonce || this.#state.state !== "running") return;
    this.#send("reveal", toHex(this.#ownNonce));
    await this.#show({ citizenFingerprint: own, clerkFingerprint: remote, citizenNonce: this.#ownNonce, clerkNonce });
  }

  async #onReveal(citizenNonce: Uint8Array): Promise<void> {
    this.#expected = null;
    const { own, remote } = await this.#readFrozen();
    const opened = await commitment(this.options.callId, remote, citizenNonce);
    if (!this.#ownNonce || opened !== this.#commit) return this.fail("commitment_mismatch");
    await this.#show({ citizenFingerprint: remote, clerkFingerprint: own, citizenNonce, clerkNonce: this.#ownNonce });
  }

  async #show(input: Omit<CodeInput, "callId">): Promise<void> {
    const code = await verificationCode({ callId: this.options.callId, ...input });
    if (this.#state.state === "running") this.#change({ state: "code", code, failure: null });
  }

  async #readFrozen(): Promise<Fingerprints> {
    const now = await this.options.readFingerprints();
    if (!this.#frozen || now.own !== this.#frozen.own || now.remote !== this.#frozen.remote) {
      throw Object.assign(new Error("the certificates changed during the call"), { code: "certificate_changed" });
    }
    return now;
  }

  #send(type: MessageType, value: string): void {
    this.options.send(JSON.stringify({ type, value }));
  }

  #change(state: SasState): void {
    this.#state = state;
    this.options.onchange(state);
  }
}
