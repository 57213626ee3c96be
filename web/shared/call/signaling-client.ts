/**
 * The WebSocket to the signaling service: hello with ticket and epoch, heartbeat, reconnect.
 *
 * A dead path does not close a WebSocket, so silence of five seconds counts as loss. Reconnects wait with backoff and
 * jitter (a thousand clients must not return in the same instant) and always ask for a new ticket. The call itself does
 * not depend on this connection: it is browser to browser and goes on while signaling is away.
 */

import { Latest } from "$shared/api/latest";
import { type Clock, systemClock } from "./clock";
import { type ClientMessage, type ClosedReason, parse, type ServerMessage } from "./protocol";
import { type Ticket, TicketError } from "./tickets";

export type SignalingState = "connecting" | "open" | "reconnecting" | "offline" | "closed";
export type EndReason = ClosedReason | "forbidden" | "expired" | "too_early";

export interface Socket {
  readyState: number;
  send(data: string): void;
  close(code?: number): void;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
}

/** Where the browser's own knowledge of the network comes from; `window` in production. */
export interface NetworkEvents {
  addEventListener(type: "online" | "offline", listener: () => void): void;
  removeEventListener(type: "online" | "offline", listener: () => void): void;
}

export interface SignalingOptions {
  ticket: () => Promise<Ticket>;
  onmessage: (message: ServerMessage) => void;
  onstate: (state: SignalingState) => void;
  /** Every ticket brings fresh TURN credentials. */
  onticket: (ticket: Ticket) => void;
  onend: (reason: EndReason) => void;
  onproblem?: (code: string) => void;
  epoch?: string;
  url?: string;
  connect?: (url: string) => Socket;
  clock?: Clock;
  random?: () => number;
  network?: NetworkEvents | null;
}

export const HEARTBEAT_MS = 2000;
export const DEAD_MS = 5000;
const HANGING_MS = 8000;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 8000;
const OPEN = 1;

/** WebSocket close codes after which trying again cannot help. */
const FINAL_CLOSE: Record<number, EndReason> = { 4403: "forbidden", 4409: "replaced" };

/** Codes of a refused ticket, as the person should hear them. */
const FINAL_REFUSAL: Record<string, EndReason> = {
  link_expired: "expired",
  token_invalid: "expired",
  room_closed: "completed",
  too_early: "too_early",
};

const defaultUrl = (): string => `${location.origin.replace(/^http/, "ws")}/api/signaling/ws`;

export class SignalingClient {
  readonly epoch: string;
  #socket: Socket | null = null;
  #state: SignalingState = "connecting";
  #attempt = 0;
  #lastHeard = 0;
  #lastSent = 0;
  #connecting = false;
  #welcomed = false;
  #openedAt = 0;
  readonly #latest = new Latest();
  #stopTicks: (() => void) | null = null;
  #cancelRetry: (() => void) | null = null;
  readonly #clock: Clock;

  constructor(private readonly options: SignalingOptions) {
    this.epoch = options.epoch ?? crypto.randomUUID();
    this.#clock = options.clock ?? systemClock;
  }

  start(): void {
    const network = this.#network();
    network?.addEventListener("online", this.#online);
    network?.addEventListener("offline", this.#offline);
    this.#stopTicks = this.#clock.ticks(() => this.#tick());
    void this.#connect();
  }

  /** Sends when connected; false otherwise. Nothing is queued: what matters is repeated after `welcome`. */
  send(message: ClientMessage): boolean {
    if (!this.#welcomed || this.#socket?.readyState !== OPEN) return false;
    this.#write(message);
    return true;
  }

  /** Ends the connection for good, from this side. */
  stop(): void {
    if (this.#state === "closed") return;
    this.#latest.drop();
    this.#set("closed");
    this.#cancelRetry?.();
    this.#stopTicks?.();
    const network = this.#network();
    network?.removeEventListener("online", this.#online);
    network?.removeEventListener("offline", this.#offline);
    this.#drop();
  }

  #network(): NetworkEvents | null {
    if (this.options.network !== undefined) return this.options.network;
    return typeof window === "undefined" ? null : window;
  }

  #online = (): void => {
    if (this.#state === "closed" || this.#state === "open") return;
    this.#attempt = 0;
    this.#set("reconnecting");
    this.#retry(0);
  };

  #offline = (): void => {
    if (this.#state === "closed") return;
    this.#lose("offline");
  };

  async #connect(): Promise<void> {
    const question = this.#latest.begin();
    this.#drop();
    this.#lastHeard = this.#clock.now();
    this.#connecting = true;
    let ticket: Ticket;
    try {
      ticket = await this.options.ticket();
    } catch (error) {
      if (question.open) this.#refused(error);
      return;
    }
    if (!question.open) return;
    this.options.onticket(ticket);
    const socket = (this.options.connect ?? ((url) => new WebSocket(url)))(this.options.url ?? defaultUrl());
    this.#socket = socket;
    this.#lastHeard = this.#clock.now();
    socket.onopen = () => this.#write({ type: "hello", ticket: ticket.ticket, epoch: this.epoch });
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code);
  }

  #refused(error: unknown): void {
    const problem = error instanceof TicketError ? error : new TicketError("network", false);
    this.options.onproblem?.(problem.code);
    if (problem.final) {
      this.#end(FINAL_REFUSAL[problem.code] ?? "forbidden");
      return;
    }
    this.#lose("reconnecting");
  }

  #receive(data: unknown): void {
    this.#lastHeard = this.#clock.now();
    const message = parse(data);
    if (!message) return;
    if (message.type === "welcome") {
      this.#welcomed = true;
      this.#connecting = false;
      this.#openedAt = this.#lastHeard;
      this.#set("open");
    }
    if (message.type === "closed") {
      this.#end(message.reason);
      return;
    }
    if (message.type === "error") this.options.onproblem?.(message.code);
    if (message.type !== "heartbeat") this.options.onmessage(message);
  }

  #closed(code: number): void {
    const reason = FINAL_CLOSE[code];
    if (reason) this.#end(reason);
    else this.#lose("reconnecting");
  }

  #tick(): void {
    if (this.#socket?.readyState !== OPEN) {
      // An attempt into a dead network can hang for minutes.
      if (this.#connecting && this.#clock.now() - this.#lastHeard > HANGING_MS) this.#lose("reconnecting");
      return;
    }
    const now = this.#clock.now();
    if (now - this.#lastHeard > DEAD_MS) this.#lose("reconnecting");
    else if (this.#welcomed && now - this.#lastSent >= HEARTBEAT_MS) this.#write({ type: "heartbeat" });
  }

  #lose(state: "reconnecting" | "offline"): void {
    // Only a connection that lasted starts the backoff anew; one that dies at once must not be hammered.
    if (this.#welcomed && this.#clock.now() - this.#openedAt > DEAD_MS) this.#attempt = 0;
    this.#latest.drop();
    this.#connecting = false;
    this.#drop();
    // The browser's word "offline" stands until it says "online" or a connection succeeds.
    if (this.#state !== "offline") this.#set(state);
    const ceiling = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    this.#retry(ceiling * (0.5 + (this.options.random ?? Math.random)() / 2));
  }

  #retry(milliseconds: number): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.#clock.after(milliseconds, () => {
      if (this.#state !== "closed") void this.#connect();
    });
  }

  #end(reason: EndReason): void {
    if (this.#state === "closed") return;
    this.stop();
    this.options.onend(reason);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  #write(message: ClientMessage): void {
    this.#lastSent = this.#clock.now();
    this.#socket?.send(JSON.stringify(message));
  }

  #set(state: SignalingState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.options.onstate(state);
  }
}
