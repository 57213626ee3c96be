import { answer, bearer, clientOf } from "./client";
import type { paths } from "./generated/signaling";
import { request } from "./http";
import type { CheckAnswer, CheckResult, Ticket } from "./types";

const api = clientOf<paths>();

/** The signaling service's HTTP part. Every function throws ApiProblem. The WebSocket is `/api/signaling/ws`. */
export const signalingApi = {
  /** A single-use ticket for the WebSocket, with the ICE servers of this session. Citizens send `{}`. */
  ticket: (token: string, wish: { appointment_id: string } | { lobby: true } | Record<string, never> = {}): Promise<Ticket> =>
    answer(api.POST("/api/signaling/tickets", { headers: bearer(token), body: { lobby: false, ...wish } })) as Promise<Ticket>,

  /** Offers SDP to the server's own WebRTC peer, a process of its own. Problem `check_busy` when too many test at once. */
  openCheck: (sdp: string): Promise<CheckAnswer> => request("POST", "/api/signaling/check/sessions", { body: { sdp } }),

  reportCheck: async (token: string, result: CheckResult): Promise<void> => {
    await api.POST("/api/signaling/check/results", { headers: bearer(token), body: result });
  },
};
