/** The clerk's live view of who waits: the same signaling connection, without a room. */

import { State, type Told } from "../state";

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
  readonly state: Told<LobbyState>;
  readonly #client: SignalingClient;

  constructor(options: LobbyOptions) {
    const store = new State<LobbyState>({ signaling: "connecting", waiting: [], problem: null });
    this.state = store;
    this.#client = new SignalingClient({
      ticket: options.ticket,
      onmessage: (message) => {
        if (message.type === "lobby") store.patch({ waiting: message.waiting, problem: null });
      },
      onstate: (signaling) => store.patch({ signaling }),
      onticket: () => undefined,
      onend: (reason) => store.patch({ problem: reason }),
      onproblem: (problem) => store.patch({ problem }),
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
