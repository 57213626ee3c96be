import { describe, expect, it } from "vitest";

import { PathTeller, pathOf } from "./path";
import type { PathFound } from "./protocol";
import { ManualClock } from "./testing";

const ADDRESS = "192.0.2.17";

function stats(local: object, remote: object, pair: object = {}, transport = true): RTCStatsReport {
  const found = new Map<string, object>([
    ["L", { id: "L", type: "local-candidate", address: ADDRESS, ...local }],
    ["R", { id: "R", type: "remote-candidate", address: ADDRESS, ...remote }],
    ["P", { id: "P", type: "candidate-pair", state: "succeeded", localCandidateId: "L", remoteCandidateId: "R", ...pair }],
  ]);
  if (transport) found.set("T", { id: "T", type: "transport", selectedCandidatePairId: "P" });
  return found as unknown as RTCStatsReport;
}

const udp = (candidateType: string): object => ({ candidateType, protocol: "udp" });

describe("the path of a connection", () => {
  it.each([
    ["direct", udp("host"), udp("host"), { path: "host", transport: "udp" }],
    ["through routers", udp("host"), udp("prflx"), { path: "srflx", transport: "udp" }],
    ["through our own router", udp("srflx"), udp("host"), { path: "srflx", transport: "udp" }],
    ["over the other side's relay", udp("host"), udp("relay"), { path: "relay", transport: "udp" }],
    ["over our relay, which is reached over TLS", { ...udp("relay"), relayProtocol: "tls" }, udp("host"), { path: "relay", transport: "tls" }],
    ["directly over TCP", { candidateType: "host", protocol: "tcp" }, udp("host"), { path: "host", transport: "tcp" }],
  ])("is told: %s", (_, local, remote, expected) => {
    expect(pathOf(stats(local, remote))).toEqual(expected);
  });

  it("is found where a browser marks the pair instead of naming it", () => {
    expect(pathOf(stats(udp("host"), udp("host"), { selected: true }, false))).toEqual({ path: "host", transport: "udp" });
    expect(pathOf(stats(udp("host"), udp("host"), { nominated: true }, false))).toEqual({ path: "host", transport: "udp" });
    expect(pathOf(stats(udp("host"), udp("host"), {}, false))).toBeNull();
  });
});

describe("what the server is told", () => {
  function teller(): { clock: ManualClock; sent: PathFound[]; path: PathTeller } {
    const clock = new ManualClock();
    const sent: PathFound[] = [];
    const path = new PathTeller(clock, () => Promise.resolve(stats(udp("relay"), udp("host"))), (message) => sent.push(message));
    return { clock, sent, path };
  }

  it("is how long the connection took, and after an interruption how long that lasted", async () => {
    const { clock, sent, path } = teller();
    clock.time = 800;
    await path.changed("connected");
    clock.time = 60_000;
    await path.changed("interrupted");
    clock.time = 64_000;
    await path.changed("connected");
    const found = { type: "path", path: "relay", transport: "udp" };
    expect(sent).toEqual([
      { ...found, milliseconds: 800, again: false },
      { ...found, milliseconds: 4000, again: true },
    ]);
    expect(JSON.stringify(sent)).not.toContain(ADDRESS);
  });

  it("is once that no connection came about, and then that one did", async () => {
    const { clock, sent, path } = teller();
    clock.time = 15_000;
    await path.changed("interrupted");
    await path.changed("failed");
    clock.time = 20_000;
    await path.changed("connected");
    expect(sent.map(({ path: kind, milliseconds }) => [kind, milliseconds])).toEqual([["none", 15_000], ["relay", 20_000]]);
  });
});
