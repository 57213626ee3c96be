import { request } from "./http";
import type { CheckAnswer, CheckResult, Ticket } from "./types";

/** The signaling service's HTTP part. Every function throws ApiProblem. The WebSocket is `/api/signaling/ws`. */
export const signalingApi = {
  /** A single-use ticket for the WebSocket, with the ICE servers of this session. Citizens send `{}`. */
  ticket: (token: string, wish: { appointment_id: string } | { lobby: true } | Record<string, never> = {}): Promise<Ticket> =>
    request("POST", "/api/signaling/tickets", { token, body: wish }),

  /** Offers SDP to the server's own WebRTC peer. Problem `check_busy` when too many test at once. */
  openCheck: (sdp: string): Promise<CheckAnswer> => request("POST", "/api/signaling/check/sessions", { body: { sdp } }),

  reportCheck: (token: string, result: CheckResult): Promise<void> =>
    request("POST", "/api/signaling/check/results", { token, body: result }),
};
