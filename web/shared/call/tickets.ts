/** Join tickets: single-use, 30 s, bound to room and role. Every (re)connect needs a new one. */

import { isProblem } from "$shared/api/problem";
import { signalingApi } from "$shared/api/signaling";
import type { Ticket } from "$shared/api/types";

export type { Ticket };

/** Why there is no ticket. `final`: asking again cannot help (wrong, withdrawn or expired link). */
export class TicketError extends Error {
  constructor(readonly code: string, readonly final: boolean) {
    super(`no ticket: ${code}`);
    this.name = "TicketError";
  }
}

const FINAL_STATUS: readonly number[] = [400, 401, 403, 404, 409, 410, 422];

/**
 * Asks for a ticket with a citizen's link token or a clerk's access token.
 * Rejects with TicketError; no network, busy (429) and 5xx are not final.
 */
export async function fetchTicket(
  token: string | Promise<string>,
  wish: Parameters<typeof signalingApi.ticket>[1] = {},
): Promise<Ticket> {
  try {
    return await signalingApi.ticket(await token, wish);
  } catch (error) {
    if (isProblem(error)) throw new TicketError(error.code, FINAL_STATUS.includes(error.status));
    throw error;
  }
}
