/** The clerk's live view of who waits: the same signaling connection, without a room. */

import { type Readable, writable } from "svelte/store";

import type { LobbyEntry } from "./protocol";
import { SignalingClient, type SignalingOptions, type SignalingState } from "./signaling-client";
import type { Ticket } from "./tickets";

export interface LobbyState {
  signaling: SignalingState;
  waiting: LobbyEntry[];
  problem: string | null;
}

export interface LobbyOptions {
  ticket: () => Promise<Ticket>;
  signaling?: Partial<SignalingOptions>;
}

export class Lobby {
  readonly state: Readable<LobbyState>;
  readonly #client: SignalingClient;

  constructor(options: LobbyOptions) {
    const store = writable<LobbyState>({ signaling: "connecting", waiting: [], problem: null });
    this.state = { subscribe: store.subscribe };
    this.#client = new SignalingClient({
      ticket: options.ticket,
      onmessage: (message) => {
        if (message.type === "lobby") store.update((state) => ({ ...state, waiting: message.waiting, problem: null }));
      },
      onstate: (signaling) => store.update((state) => ({ ...state, signaling })),
      onticket: () => undefined,
      onend: (reason) => store.update((state) => ({ ...state, problem: reason })),
      onproblem: (problem) => store.update((state) => ({ ...state, problem })),
      ...options.signaling,
    });
  }

  start(): void {
    this.#client.start();
  }

  stop(): void {
    this.#client.stop();
  }
}
