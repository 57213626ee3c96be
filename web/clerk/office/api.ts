/** Booking's side for the town hall, asked as the clerk who is signed in. Every function throws ApiProblem. */
import { answer, bearer, clientOf } from "$shared/api/client";
import type { paths as BookingPaths } from "$shared/api/generated/booking";
import type { paths as CaseworkPaths } from "$shared/api/generated/casework";
import { download } from "$shared/api/http";
import { language } from "$shared/i18n/language.svelte";
import { session } from "../app";
import type {
  AppointmentBrief,
  AppointmentDetail,
  BlockedTime,
  BookedForSomebody,
  Colleague,
  Moves,
  NewBlock,
  OfficeBooking,
  OfficeSlots,
  Resumed,
  SavedBlock,
  SavedTimetable,
  Sent,
  Statistics,
  Timetable,
  Week,
} from "./types";

const booking = clientOf<BookingPaths>();
const casework = clientOf<CaseworkPaths>();

/** What is sent is only read; the generated types do not say so. */
const sent = <T>(body: T): Sent<T> => body as Sent<T>;
/** One key per intent: repeated after a failure it is the same act. */
const once = (key: string) => ({ "Idempotency-Key": key });

export const officeApi = {
  week: (day: string): Promise<Week> =>
    session.call((token) => answer(booking.GET("/api/booking/office/week", { headers: bearer(token), params: { query: { day } } }))),

  /** Free slots as clerks may book them, for services like "anmeldung" or "personalausweis:2". */
  slots: (services: readonly string[], from: string, to: string): Promise<OfficeSlots> =>
    session.call((token) =>
      answer(booking.GET("/api/booking/office/slots", { headers: bearer(token), params: { query: { services: [...services], from, to } } })),
    ),
  /** Free slots to move an appointment to: its own time does not count as taken. */
  slotsToMove: (appointment_id: string, from: string, to: string): Promise<OfficeSlots> =>
    session.call((token) =>
      answer(
        booking.GET("/api/booking/office/appointments/{appointment_id}/slots", {
          headers: bearer(token),
          params: { path: { appointment_id }, query: { from, to } },
        }),
      ),
    ),
  /** One appointment with e-mail address and telephone number: asked when it is opened, never for a list. */
  appointment: (appointment_id: string): Promise<AppointmentDetail> =>
    session.call((token) => answer(booking.GET("/api/booking/office/appointments/{appointment_id}", { headers: bearer(token), params: { path: { appointment_id } } }))),
  book: (body: OfficeBooking, key: string): Promise<BookedForSomebody> =>
    session.call((token) =>
      answer(booking.POST("/api/booking/office/appointments", { headers: bearer(token), params: { header: once(key) }, body: sent(body) })),
    ),
  reschedule: (appointment_id: string, startsAt: string, key: string): Promise<BookedForSomebody> =>
    session.call((token) =>
      answer(
        booking.POST("/api/booking/office/appointments/{appointment_id}/rescheduling", {
          headers: bearer(token),
          params: { path: { appointment_id }, header: once(key) },
          body: { starts_at: startsAt },
        }),
      ),
    ),
  cancel: (appointment_id: string): Promise<AppointmentBrief> =>
    session.call((token) =>
      answer(booking.POST("/api/booking/office/appointments/{appointment_id}/cancellation", { headers: bearer(token), params: { path: { appointment_id } } })),
    ),
  /** Problem `too_early` until the office's grace has passed. */
  noShow: (appointment_id: string): Promise<AppointmentBrief> =>
    session.call((token) =>
      answer(booking.POST("/api/booking/office/appointments/{appointment_id}/no-show", { headers: bearer(token), params: { path: { appointment_id } } })),
    ),
  /** Missed, here now. Problem `not_resumable` once the appointment's day is over. */
  resume: (appointment_id: string): Promise<Resumed> =>
    session.call((token) =>
      answer(booking.POST("/api/booking/office/appointments/{appointment_id}/resumption", { headers: bearer(token), params: { path: { appointment_id } } })),
    ),

  timetable: (): Promise<Timetable> => session.call((token) => answer(booking.GET("/api/booking/office/timetable", { headers: bearer(token) }))),
  /** Problem `timetable_changed` when somebody saved since its version, `timetable_invalid` with the fields. */
  saveTimetable: (timetable: Timetable): Promise<SavedTimetable> =>
    session.call((token) => answer(booking.PUT("/api/booking/office/timetable", { headers: bearer(token), body: sent(timetable) }))),

  /** From one day to another, both included, at most 400. */
  blockedTimes: async (from: string, to: string): Promise<readonly BlockedTime[]> =>
    (await session.call((token) => answer(booking.GET("/api/booking/office/blocked-times", { headers: bearer(token), params: { query: { from, to } } }))))
      .blocked_times,
  block: (body: NewBlock): Promise<SavedBlock> =>
    session.call((token) => answer(booking.POST("/api/booking/office/blocked-times", { headers: bearer(token), body }))),
  unblock: async (blocked_id: string): Promise<void> => {
    await session.call((token) => booking.DELETE("/api/booking/office/blocked-times/{blocked_id}", { headers: bearer(token), params: { path: { blocked_id } } }));
  },

  moves: (body: { lane: number; from: string; to: string; dry_run: boolean }, key: string): Promise<Moves> =>
    session.call((token) => answer(booking.POST("/api/booking/office/moves", { headers: bearer(token), params: { header: once(key) }, body }))),

  statistics: (from: string, to: string): Promise<Statistics> =>
    session.call((token) => answer(booking.GET("/api/booking/office/statistics", { headers: bearer(token), params: { query: { from, to } } }))),
  downloadStatistics: (office: string, from: string, to: string): Promise<void> => {
    const query = new URLSearchParams({ from, to, language: language.current });
    return session.call((token) => download(`/api/booking/office/statistics.csv?${query}`, `schalter-${office}-${from}-${to}.csv`, token));
  },

  /** Who can sign in at this office. */
  colleagues: async (): Promise<readonly Colleague[]> =>
    (await session.call((token) => answer(casework.GET("/api/casework/clerks", { headers: bearer(token) })))).clerks,
};
