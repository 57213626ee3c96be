import { withProof } from "$shared/proof/proof.svelte";
import { request } from "./http";
import type {
  BookedAppointment,
  Hold,
  NewAppointment,
  NewWaiting,
  NewWalkIn,
  OfficeInfo,
  OfficeSummary,
  Slots,
  WaitingEntry,
  WalkInState,
  WalkInTicket,
} from "./types";

const BASE = "/api/booking/offices";

/** The booking service as everybody may use it. Every function throws ApiProblem; what bots would do too may cost a proof of work. */
export const bookingApi = {
  offices: (): Promise<OfficeSummary[]> => request("GET", BASE),

  office: (office: string): Promise<OfficeInfo> => request("GET", `${BASE}/${office}`),

  /** Free slots for these services together (`id` or `id:persons`); `from` and `to` are days of the office, both included, at most 62. */
  slots: (office: string, services: readonly string[], from: string, to: string, hold: string | null): Promise<Slots> => {
    const query = new URLSearchParams([...services.map((service) => ["services", service]), ["from", from], ["to", to], ...(hold ? [["hold", hold]] : [])]);
    return request("GET", `${BASE}/${office}/slots?${query}`);
  },

  /**
   * Reserves a slot while the citizen types. The caller chooses `holdId` (a random UUID): repeated it is the same hold,
   * with another slot the hold moves. Problem `slot_taken` names alternatives.
   */
  hold: (office: string, services: readonly string[], startsAt: string, holdId: string): Promise<Hold> =>
    withProof((proof) =>
      request("POST", `${BASE}/${office}/holds`, {
        body: { services: [...services], starts_at: startsAt, hold_id: holdId },
        headers: { "Proof-Of-Work": proof },
      }),
    ),

  extendHold: (office: string, holdId: string): Promise<Hold> => request("POST", `${BASE}/${office}/holds/${holdId}/extension`),

  releaseHold: (office: string, holdId: string): Promise<void> => request("DELETE", `${BASE}/${office}/holds/${holdId}`),

  book: (office: string, appointment: NewAppointment, key: string): Promise<BookedAppointment> =>
    withProof((proof) =>
      request("POST", `${BASE}/${office}/appointments`, { body: appointment, headers: { "Idempotency-Key": key, "Proof-Of-Work": proof } }),
    ),

  /** For those who found no slot: offers come by mail. */
  joinWaitingList: (office: string, entry: NewWaiting): Promise<WaitingEntry> =>
    withProof((proof) => request("POST", `${BASE}/${office}/waiting-list`, { body: entry, headers: { "Proof-Of-Work": proof } })),

  walkIn: (office: string): Promise<WalkInState> => request("GET", `${BASE}/${office}/walk-in`),

  takeNumber: (office: string, visitor: NewWalkIn, key: string): Promise<WalkInTicket> =>
    withProof((proof) =>
      request("POST", `${BASE}/${office}/walk-in`, { body: visitor, headers: { "Idempotency-Key": key, "Proof-Of-Work": proof } }),
    ),
};

/** Gives a hold back while the page goes away: the browser sends it even when nobody is there to hear the answer. */
export function releaseOnLeaving(office: string, holdId: string): void {
  fetch(`${BASE}/${office}/holds/${holdId}`, { method: "DELETE", keepalive: true }).catch(() => undefined);
}
