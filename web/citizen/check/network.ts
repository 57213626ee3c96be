/**
 * The network part of the technical check: a real WebRTC connection to the server's own peer, which sends everything back.
 *
 * Bandwidth is read from a data channel: the media estimate of a short call starts low and would call every line bad.
 */

import { isProblem } from "$shared/api/problem";
import type { CheckAnswer } from "$shared/api/types";

export type NetworkVerdict = "good" | "limited" | "failed" | "unreachable" | "busy";

export interface NetworkResult {
  verdict: NetworkVerdict;
  /** Median of the pings, whole milliseconds. */
  rttMs: number | null;
  megabits: number | null;
}

const GATHER_MS = 2000;
const CONNECT_MS = 8000;
const PINGS = 12;
const PING_MS = 2000;
const CHUNK_BYTES = 16_384;
const THROUGHPUT_MS = 2500;
/** The server sends back 8 MiB per check at most. */
const MOST_BYTES = 6 * 1024 * 1024;
const WINDOW_BYTES = 256 * 1024;
const RATE_WINDOW_MS = 500;

/** What two people who see each other well need; the codec makes do with less. */
export const GOOD_RTT_MS = 300;
export const GOOD_MEGABITS = 1;

/** The verdict on what was measured over a connection that stood. */
export function judge(rttMs: number | null, megabits: number | null): NetworkVerdict {
  if (rttMs === null || megabits === null) return "limited";
  return rttMs <= GOOD_RTT_MS && megabits >= GOOD_MEGABITS ? "good" : "limited";
}

export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** Resolves when `target` fires `event` and `done` holds, or after so many milliseconds. */
function until(target: EventTarget, event: string, done: () => boolean, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (): void => {
      target.removeEventListener(event, look);
      clearTimeout(timer);
      resolve(done());
    };
    const look = (): void => void (done() && finish());
    const timer = setTimeout(finish, milliseconds);
    target.addEventListener(event, look);
    look();
  });
}

async function ping(channel: RTCDataChannel, number: number): Promise<number | null> {
  const text = `ping ${number}`;
  const sent = performance.now();
  let received: number | null = null;
  const listen = ({ data }: MessageEvent<unknown>): void => {
    if (data === text) received = performance.now();
  };
  channel.addEventListener("message", listen);
  channel.send(text);
  await until(channel, "message", () => received !== null, PING_MS);
  channel.removeEventListener("message", listen);
  return received === null ? null : received - sent;
}

async function pings(channel: RTCDataChannel): Promise<number | null> {
  const times: number[] = [];
  for (let number = 0; number < PINGS; number += 1) {
    const time = await ping(channel, number);
    if (time === null) break;
    times.push(time);
  }
  const middle = median(times);
  return middle === null ? null : Math.max(1, Math.round(middle));
}

/** Megabits per second from so many samples of [milliseconds, bytes received so far]: the best half second. */
export function bestRate(samples: readonly (readonly [number, number])[]): number | null {
  let best: number | null = null;
  for (const [index, [from, before]] of samples.entries()) {
    const end = samples.findIndex(([at], later) => later > index && at - from >= RATE_WINDOW_MS);
    const [until, after] = samples[end === -1 ? samples.length - 1 : end] ?? [from, before];
    if (until - from < RATE_WINDOW_MS / 5) continue;
    const rate = ((after - before) * 8) / 1e6 / ((until - from) / 1000);
    best = Math.max(best ?? 0, rate);
  }
  return best;
}

/** Megabits per second that go there and come back: the start is slow on every line, so its best stretch counts. */
async function throughput(channel: RTCDataChannel): Promise<number | null> {
  channel.binaryType = "arraybuffer";
  const chunk = new Uint8Array(CHUNK_BYTES);
  let [sent, received] = [0, 0];
  const began = performance.now();
  const samples: [number, number][] = [[began, 0]];
  const fill = (): void => {
    while (sent < MOST_BYTES && sent - received < WINDOW_BYTES && channel.readyState === "open") {
      channel.send(chunk);
      sent += CHUNK_BYTES;
    }
  };
  const listen = ({ data }: MessageEvent<ArrayBuffer>): void => {
    received += data.byteLength;
    samples.push([performance.now(), received]);
    fill();
  };
  channel.addEventListener("message", listen);
  fill();
  await until(channel, "message", () => received >= MOST_BYTES, THROUGHPUT_MS);
  channel.removeEventListener("message", listen);
  return bestRate(samples);
}

async function connect(pc: RTCPeerConnection, open: (sdp: string) => Promise<CheckAnswer>): Promise<boolean> {
  await pc.setLocalDescription();
  await until(pc, "icegatheringstatechange", () => pc.iceGatheringState === "complete", GATHER_MS);
  const { sdp } = await open(pc.localDescription?.sdp ?? "");
  await pc.setRemoteDescription({ type: "answer", sdp });
  return until(pc, "connectionstatechange", () => pc.connectionState === "connected", CONNECT_MS);
}

/** Runs the check; never rejects. `open` posts the offer to the check service and brings its answer. */
export async function checkNetwork(
  open: (sdp: string) => Promise<CheckAnswer>,
  audio: MediaStreamTrack | null,
): Promise<NetworkResult> {
  const nothing = { rttMs: null, megabits: null };
  const pc = new RTCPeerConnection({ iceServers: [] });
  const [pingChannel, bulkChannel] = [pc.createDataChannel("ping"), pc.createDataChannel("throughput")];
  // Audio goes along, so that a network which lets data pass but no media is found out.
  pc.addTransceiver(audio ?? "audio", { direction: "sendrecv" });
  try {
    const connected = await connect(pc, open);
    const usable = connected && (await until(bulkChannel, "open", () => bulkChannel.readyState === "open", PING_MS));
    if (!usable) return { verdict: "failed", ...nothing };
    const rttMs = await pings(pingChannel);
    const megabits = await throughput(bulkChannel);
    return { verdict: judge(rttMs, megabits), rttMs, megabits };
  } catch (error) {
    return { verdict: isProblem(error, "check_busy") ? "busy" : "unreachable", ...nothing };
  } finally {
    pc.close();
  }
}
