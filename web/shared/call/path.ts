/**
 * How a connection came about, told to the server for its figures: which kind of path, and how long it took. Never an
 * address, and nothing about the person: what is sent is in `PathFound`.
 */

import type { Clock } from "./clock";
import type { PeerConnectionState } from "./peer";
import type { PathFound } from "./protocol";

type Entry = Record<string, unknown>;

const LONGEST_MS = 600_000;

/** The pair of candidates that the connection runs over, wherever this browser says so; null while there is none. */
function chosenPair(stats: RTCStatsReport): Entry | null {
  const entries: Entry[] = [];
  stats.forEach((entry: Entry) => entries.push(entry));
  const chosen = entries.find((entry) => entry["type"] === "transport" && entry["selectedCandidatePairId"]);
  const pair = chosen && stats.get(String(chosen["selectedCandidatePairId"]));
  if (pair) return pair as Entry;
  const pairs = entries.filter((entry) => entry["type"] === "candidate-pair" && entry["state"] === "succeeded");
  return pairs.find((entry) => entry["selected"] === true) ?? pairs.find((entry) => entry["nominated"] === true) ?? null;
}

/** Which way picture and sound go: over our relay if either side needs it, else through routers, else directly. */
export function pathOf(stats: RTCStatsReport): Pick<PathFound, "path" | "transport"> | null {
  const pair = chosenPair(stats);
  if (!pair) return null;
  const local = stats.get(String(pair["localCandidateId"])) as Entry | undefined;
  const remote = stats.get(String(pair["remoteCandidateId"])) as Entry | undefined;
  const kinds = [local?.["candidateType"], remote?.["candidateType"]];
  const path = kinds.includes("relay") ? "relay" : kinds.includes("srflx") || kinds.includes("prflx") ? "srflx" : "host";
  const transport = local?.["relayProtocol"] ?? local?.["protocol"];
  return { path, transport: transport === "tcp" || transport === "tls" ? transport : "udp" };
}

export class PathTeller {
  #since: number;
  #stood = false;
  #toldNone = false;

  constructor(
    private readonly clock: Clock,
    private readonly stats: () => Promise<RTCStatsReport>,
    private readonly send: (message: PathFound) => void,
  ) {
    this.#since = clock.now();
  }

  /** The connection is in another state: tells when it stands, stands again, or could not be made at first. */
  async changed(connection: PeerConnectionState): Promise<void> {
    const now = this.clock.now();
    const message = { type: "path", milliseconds: Math.min(LONGEST_MS, Math.round(now - this.#since)), again: this.#stood } as const;
    if (connection === "connected") {
      this.#stood = true;
      const found = pathOf(await this.stats());
      if (found) this.send({ ...message, ...found });
    } else if (this.#stood) {
      this.#since = now;
    } else if (connection !== "connecting" && !this.#toldNone) {
      this.#toldNone = true;
      this.send({ ...message, path: "none", transport: null });
    }
  }
}
