import { beforeEach, describe, expect, it } from "vitest";

import { type EndReason, SignalingClient, type SignalingState, type Socket } from "./signaling-client";
import { ManualClock, settle } from "./testing";
import { type Ticket, TicketError } from "./tickets";

class FakeSocket implements Socket {
  readyState = 0;
  sent: { type: string; ticket?: string; epoch?: string }[] = [];
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  send(data: string): void {
    this.sent.push(JSON.parse(data) as { type: string });
  }
  close(): void {
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.(new Event("open"));
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  }
  welcome(): void {
    this.open();
    this.say({ type: "welcome", role: "citizen", office: "demo", appointment_id: "a", admitted: false, peer: null, stage: null });
  }
  die(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code } as CloseEvent);
  }
}

let clock: ManualClock;
let sockets: FakeSocket[];
let states: SignalingState[];
let ends: EndReason[];
let heard: string[];
let tickets: number;
let refusal: TicketError | null;
let network: EventTarget;
let client: SignalingClient;

const last = (): FakeSocket => {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no socket was opened");
  return socket;
};

beforeEach(async () => {
  clock = new ManualClock();
  [sockets, states, ends, heard, tickets, refusal, network] = [[], [], [], [], 0, null, new EventTarget()];
  client = new SignalingClient({
    ticket: () => {
      tickets += 1;
      if (refusal) return Promise.reject(refusal);
      return Promise.resolve<Ticket>({ ticket: `t${tickets}`, expires_at: "", role: "citizen", ice_servers: [] });
    },
    onmessage: (message) => heard.push(message.type),
    onstate: (state) => states.push(state),
    onticket: () => undefined,
    onend: (reason) => ends.push(reason),
    epoch: "epoch-1",
    url: "ws://test",
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    clock,
    random: () => 1,
    network,
  });
  client.start();
  await settle();
});

describe("signaling client", () => {
  it("says hello with ticket and epoch, and is open once welcomed", () => {
    last().welcome();
    expect(last().sent[0]).toEqual({ type: "hello", ticket: "t1", epoch: "epoch-1" });
    expect(states).toEqual(["open"]);
    expect(heard).toEqual(["welcome"]);
  });

  it("sends nothing before the welcome", () => {
    last().open();
    expect(client.send({ type: "admit" })).toBe(false);
    expect(last().sent.map((one) => one.type)).toEqual(["hello"]);
  });

  it("beats every two seconds while the server answers", async () => {
    last().welcome();
    for (let second = 0; second < 8; second++) {
      await clock.pass(1000);
      last().say({ type: "heartbeat" });
    }
    expect(last().sent.filter((one) => one.type === "heartbeat")).toHaveLength(4);
    expect(sockets).toHaveLength(1);
    expect(heard).not.toContain("heartbeat");
  });

  it("takes five seconds of silence for a dead path and comes back with a new ticket and the same epoch", async () => {
    last().welcome();
    await clock.pass(5000);
    expect(states).toEqual(["open"]);
    await clock.pass(1500);
    expect(states).toEqual(["open", "reconnecting"]);
    expect(sockets).toHaveLength(2);
    last().welcome();
    expect(last().sent[0]).toEqual({ type: "hello", ticket: "t2", epoch: "epoch-1" });
    expect(states.at(-1)).toBe("open");
  });

  it("backs off while the server is away, up to eight seconds", async () => {
    const opened: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const before = sockets.length;
      last().die(1006);
      const from = clock.time;
      while (sockets.length === before) await clock.pass(500);
      opened.push(clock.time - from);
    }
    expect(opened).toEqual([500, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });

  it("starts the backoff anew only after a connection that lasted", async () => {
    for (let attempt = 0; attempt < 4; attempt++) {
      last().welcome();
      const before = sockets.length;
      last().die(1011);
      while (sockets.length === before) await clock.pass(500);
    }
    const from = clock.time;
    last().die(1011);
    while (sockets.length === 5) await clock.pass(500);
    expect(clock.time - from).toBeGreaterThanOrEqual(4000);
  });

  it("returns at once when the browser says online", async () => {
    last().welcome();
    network.dispatchEvent(new Event("offline"));
    expect(states.at(-1)).toBe("offline");
    const before = sockets.length;
    network.dispatchEvent(new Event("online"));
    await clock.pass(500);
    expect(sockets.length).toBe(before + 1);
    last().welcome();
    expect(states.at(-1)).toBe("open");
  });

  it("drops a connection attempt that hangs", async () => {
    await clock.pass(9500);
    expect(sockets.length).toBe(2);
  });

  it.each([[4401], [4408], [4429], [1006], [1012]])("tries again after close code %i", async (code) => {
    last().welcome();
    last().die(code);
    await clock.pass(1000);
    expect(sockets).toHaveLength(2);
    expect(ends).toEqual([]);
  });

  it.each([[4403, "forbidden"], [4409, "replaced"]])("ends after close code %i: %s", async (code, reason) => {
    last().welcome();
    last().die(code);
    await clock.pass(20000);
    expect(sockets).toHaveLength(1);
    expect(ends).toEqual([reason]);
    expect(states.at(-1)).toBe("closed");
  });

  it("ends when the server closes the room, once", async () => {
    last().welcome();
    const socket = last();
    socket.say({ type: "closed", reason: "completed" });
    socket.die(1000);
    await clock.pass(20000);
    expect(ends).toEqual(["completed"]);
    expect(sockets).toHaveLength(1);
  });

  it.each([["link_expired", "expired"], ["room_closed", "completed"], ["too_early", "too_early"], ["not_found", "forbidden"]])("ends when there is no ticket: %s", async (code, reason) => {
    refusal = new TicketError(code, true);
    last().die(1006);
    await clock.pass(1000);
    expect(ends).toEqual([reason]);
  });

  it("keeps asking when the service is only busy", async () => {
    refusal = new TicketError("busy", false);
    last().die(1006);
    await clock.pass(3000);
    expect(tickets).toBeGreaterThan(2);
    refusal = null;
    await clock.pass(8000);
    last().welcome();
    expect(states.at(-1)).toBe("open");
    expect(ends).toEqual([]);
  });

  it("drops what it does not understand", () => {
    last().welcome();
    for (const odd of [{ type: "toString" }, { type: "unheard-of" }, { type: "peer-joined" }, { type: "description", epoch: "e" }]) {
      last().say(odd);
    }
    expect(heard).toEqual(["welcome"]);
  });
});
