import { answer, bearer, clientOf } from "./client";
import type { paths } from "./generated/booking";
import type { AppointmentView, BookedAppointment, Hold, NewAppointment, OfficeInfo, OfficeSummary, Slots } from "./types";

const api = clientOf<paths>();

/** The booking service. Every function throws ApiProblem. */
export const bookingApi = {
  offices: (): Promise<OfficeSummary[]> => answer(api.GET("/api/booking/offices")),

  office: (office: string): Promise<OfficeInfo> => answer(api.GET("/api/booking/offices/{office}", { params: { path: { office } } })),

  /** Free slots for these services together; `from` and `to` are days of the office, both included, at most 62. */
  slots: (office: string, services: readonly string[], from: string, to: string, hold: string | null): Promise<Slots> =>
    answer(api.GET("/api/booking/offices/{office}/slots", { params: { path: { office }, query: { services: [...services], from, to, hold } } })),

  /**
   * Reserves a slot while the citizen types. The caller chooses `holdId` (a random UUID): repeated it is the same hold,
   * with another slot the hold moves. Problem `slot_taken` names alternatives.
   */
  hold: (office: string, services: readonly string[], startsAt: string, holdId: string): Promise<Hold> =>
    answer(
      api.POST("/api/booking/offices/{office}/holds", {
        params: { path: { office } },
        body: { services: [...services], starts_at: startsAt, hold_id: holdId },
      }),
    ),

  extendHold: (office: string, holdId: string): Promise<Hold> =>
    answer(api.POST("/api/booking/offices/{office}/holds/{hold_id}/extension", { params: { path: { office, hold_id: holdId } } })),

  releaseHold: async (office: string, holdId: string): Promise<void> => {
    await api.DELETE("/api/booking/offices/{office}/holds/{hold_id}", { params: { path: { office, hold_id: holdId } } });
  },

  book: (office: string, appointment: NewAppointment, key: string): Promise<BookedAppointment> =>
    answer(
      api.POST("/api/booking/offices/{office}/appointments", {
        params: { path: { office }, header: { "Idempotency-Key": key } },
        body: appointment,
      }),
    ),

  appointment: (token: string): Promise<AppointmentView> => answer(api.GET("/api/booking/appointment", { headers: bearer(token) })),

  cancel: (token: string): Promise<AppointmentView> =>
    answer(api.POST("/api/booking/appointment/cancellation", { headers: bearer(token) })),
};
