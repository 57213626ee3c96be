import { withProof } from "$shared/proof/proof.svelte";
import { answer, clientOf, proving } from "./client";
import type { paths } from "./generated/booking";
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

const api = clientOf<paths>();

/** The booking service as everybody may use it. Every function throws ApiProblem; what bots would do too may cost a proof of work. */
export const bookingApi = {
  offices: (): Promise<OfficeSummary[]> => answer(api.GET("/api/booking/offices")),

  office: (office: string): Promise<OfficeInfo> => answer(api.GET("/api/booking/offices/{office}", { params: { path: { office } } })),

  /** Free slots for these services together (`id` or `id:persons`); `from` and `to` are days of the office, both included, at most 62. */
  slots: (office: string, services: readonly string[], from: string, to: string, hold: string | null): Promise<Slots> =>
    answer(api.GET("/api/booking/offices/{office}/slots", { params: { path: { office }, query: { services: [...services], from, to, hold } } })),

  /**
   * Reserves a slot while the citizen types. The caller chooses `holdId` (a random UUID): repeated it is the same hold,
   * with another slot the hold moves. Problem `slot_taken` names alternatives.
   */
  hold: (office: string, services: readonly string[], startsAt: string, holdId: string): Promise<Hold> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/offices/{office}/holds", {
          params: { path: { office }, header: proving(proof) },
          body: { services: [...services], starts_at: startsAt, hold_id: holdId },
        }),
      ),
    ),

  extendHold: (office: string, holdId: string): Promise<Hold> =>
    answer(api.POST("/api/booking/offices/{office}/holds/{hold_id}/extension", { params: { path: { office, hold_id: holdId } } })),

  releaseHold: async (office: string, holdId: string): Promise<void> => {
    await api.DELETE("/api/booking/offices/{office}/holds/{hold_id}", { params: { path: { office, hold_id: holdId } } });
  },

  book: (office: string, appointment: NewAppointment, key: string): Promise<BookedAppointment> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/offices/{office}/appointments", {
          params: { path: { office }, header: { "Idempotency-Key": key, ...proving(proof) } },
          body: appointment,
        }),
      ),
    ),

  /** For those who found no slot: offers come by mail. */
  joinWaitingList: (office: string, entry: NewWaiting, key: string): Promise<WaitingEntry> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/offices/{office}/waiting-list", {
          params: { path: { office }, header: { "Idempotency-Key": key, ...proving(proof) } },
          body: entry,
        }),
      ),
    ),

  /** Has the link of an appointment mailed anew. The answer tells nothing about whether there is such an appointment. */
  askForLink: async (office: string, reference: string, email: string, key: string): Promise<void> => {
    await withProof((proof) =>
      answer(
        api.POST("/api/booking/offices/{office}/lost-links", {
          params: { path: { office }, header: { "Idempotency-Key": key, ...proving(proof) } },
          body: { reference, email },
        }),
      ),
    );
  },

  /** Whether one can talk to the office right now, without an appointment. */
  walkIn: (office: string): Promise<WalkInState> => answer(api.GET("/api/booking/offices/{office}/walk-in", { params: { path: { office } } })),

  /** Takes a number in the queue. Problem `walk_in_unavailable` says why there is none. */
  takeNumber: (office: string, visitor: NewWalkIn, key: string): Promise<WalkInTicket> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/offices/{office}/walk-in", {
          params: { path: { office }, header: { "Idempotency-Key": key, ...proving(proof) } },
          body: visitor,
        }),
      ),
    ),
};

/** Gives a hold back while the page goes away: the browser sends it even when nobody is there to hear the answer. */
export function releaseOnLeaving(office: string, holdId: string): void {
  fetch(`/api/booking/offices/${encodeURIComponent(office)}/holds/${holdId}`, { method: "DELETE", keepalive: true }).catch(() => undefined);
}
