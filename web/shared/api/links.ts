import { withProof } from "$shared/proof/proof.svelte";
import { answer, bearer, clientOf, proving } from "./client";
import type { paths } from "./generated/booking";
import { download } from "./http";
import type { AppointmentView, BookedAppointment, ConfirmationView, Hold, ListedView, NewContact, OfferView, ReservationView, Slots, WalkInPresence } from "./types";

const api = clientOf<paths>();

/** What whoever holds an appointment's link may do with it; much of it at once costs a proof of work. Every function throws ApiProblem; 410 `link_expired` for an old link. */
export const appointmentApi = {
  view: (token: string): Promise<AppointmentView> => answer(api.GET("/api/booking/appointment", { headers: bearer(token) })),
  cancel: (token: string): Promise<AppointmentView> => withProof((proof) => answer(api.POST("/api/booking/appointment/cancellation", { headers: bearer(token), params: { header: proving(proof) } }))),
  /** Free slots for the same services; the appointment's own time, and one's own hold, count as free. */
  slots: (token: string, from: string, to: string, hold: string | null): Promise<Slots> =>
    answer(api.GET("/api/booking/appointment/slots", { headers: bearer(token), params: { query: { from, to, hold } } })),
  /** Reserves a slot to move to, as `bookingApi.hold` does one to book; the appointment's own time is no hindrance. */
  hold: (token: string, startsAt: string, holdId: string): Promise<Hold> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/appointment/holds", {
          headers: bearer(token),
          params: { header: proving(proof) },
          body: { starts_at: startsAt, hold_id: holdId },
        }),
      ),
    ),
  /** Moves it. The answer brings a new link; this one is dead from then on. */
  move: (token: string, startsAt: string, holdId: string | null, key: string): Promise<BookedAppointment> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/appointment/rescheduling", {
          headers: bearer(token),
          params: { header: { "Idempotency-Key": key, ...proving(proof) } },
          body: { starts_at: startsAt, hold_id: holdId },
        }),
      ),
    ),
  /** Corrects where the citizen is written to. The answer brings a new link, which is mailed too; this one is dead. */
  correct: (token: string, contact: NewContact, key: string): Promise<BookedAppointment> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/appointment/contact", {
          headers: bearer(token),
          params: { header: { "Idempotency-Key": key, ...proving(proof) } },
          body: contact,
        }),
      ),
    ),
  /** Joins the waiting list for an earlier time. */
  waitForEarlier: (token: string): Promise<{ readonly since: string }> => withProof((proof) => answer(api.PUT("/api/booking/appointment/waiting", { headers: bearer(token), params: { header: proving(proof) } }))),
  stopWaiting: async (token: string): Promise<void> => {
    await withProof((proof) => api.DELETE("/api/booking/appointment/waiting", { headers: bearer(token), params: { header: proving(proof) } }));
  },
  /** Wants to be reminded of it, or not: by either way, wherever it moves. */
  remind: (token: string, wanted: boolean): Promise<AppointmentView> =>
    withProof((proof) => {
      const asked = { headers: bearer(token), params: { header: proving(proof) } };
      return answer(wanted ? api.PUT("/api/booking/appointment/reminders", asked) : api.DELETE("/api/booking/appointment/reminders", asked));
    }),
  downloadCalendar: (token: string, filename: string): Promise<void> => download("/api/booking/appointment/calendar", filename, token),
  /** Everything that is stored about the holder (GDPR Art. 15). */
  downloadData: (token: string, filename: string): Promise<void> => download("/api/booking/appointment/data", filename, token),
  /** Erases it (GDPR Art. 17); an appointment still to come is cancelled first. */
  erase: async (token: string): Promise<void> => {
    await withProof((proof) => api.POST("/api/booking/appointment/erasure", { headers: bearer(token), params: { header: proving(proof) } }));
  },
};

/** A time that is kept until the address is confirmed, for who has booked it. 410 `not_confirmed_in_time` when it is not any more. */
export const reservationApi = {
  view: (token: string): Promise<ReservationView> => answer(api.GET("/api/booking/reservation", { headers: bearer(token) })),
  /** Has the question mailed once more, or to another address: then the mail before is worth nothing. */
  mail: (token: string, email: string | null, key: string): Promise<ReservationView> =>
    withProof((proof) =>
      answer(
        api.POST("/api/booking/reservation/mail", {
          headers: bearer(token),
          params: { header: { "Idempotency-Key": key, ...proving(proof) } },
          body: { email },
        }),
      ),
    ),
};

/** The question whether an address is theirs, for who reads the mail. */
export const confirmationApi = {
  view: (token: string): Promise<ConfirmationView> => answer(api.GET("/api/booking/confirmation", { headers: bearer(token) })),
  confirm: (token: string): Promise<ConfirmationView> =>
    withProof((proof) => answer(api.POST("/api/booking/confirmation", { headers: bearer(token), params: { header: proving(proof) } }))),
};

/** A freed slot that is kept for one citizen of the waiting list. */
export const offerApi = {
  view: (token: string): Promise<OfferView> => answer(api.GET("/api/booking/offer", { headers: bearer(token) })),
  accept: (token: string): Promise<BookedAppointment> => withProof((proof) => answer(api.POST("/api/booking/offer/acceptance", { headers: bearer(token), params: { header: proving(proof) } }))),
  refuse: async (token: string, leaveList: boolean): Promise<void> => {
    await withProof((proof) =>
      api.POST("/api/booking/offer/refusal", { headers: bearer(token), params: { header: proving(proof) }, body: { leave_list: leaveList } }),
    );
  },
};

/** An entry on the waiting list without an appointment. */
export const waitingApi = {
  view: (token: string): Promise<ListedView> => answer(api.GET("/api/booking/waiting", { headers: bearer(token) })),
  /** Everything that is stored about the holder (GDPR Art. 15). */
  downloadData: (token: string, filename: string): Promise<void> => download("/api/booking/waiting/data", filename, token),
  /** Takes it off the list, and forgets who it was of. Who has accepted an offer meanwhile keeps the appointment. */
  leave: (token: string): Promise<ListedView> => withProof((proof) => answer(api.POST("/api/booking/waiting/departure", { headers: bearer(token), params: { header: proving(proof) } }))),
};

/** A number in the walk-in queue. */
export const walkInApi = {
  /** "I am still here", and what became of my turn. Whoever is silent for a minute has gone. */
  present: (ticket: string): Promise<WalkInPresence> => answer(api.POST("/api/booking/walk-in/presence", { headers: bearer(ticket) })),
  leave: async (ticket: string): Promise<void> => {
    await withProof((proof) => api.POST("/api/booking/walk-in/departure", { headers: bearer(ticket), params: { header: proving(proof) } }));
  },
};
