import { download, request } from "./http";
import type { AppointmentView, BookedAppointment, OfferView, Slots, WalkInPresence } from "./types";

const APPOINTMENT = "/api/booking/appointment";

/** What whoever holds an appointment's link may do with it. Every function throws ApiProblem; 410 `link_expired` for an old link. */
export const appointmentApi = {
  view: (token: string): Promise<AppointmentView> => request("GET", APPOINTMENT, { token }),
  cancel: (token: string): Promise<AppointmentView> => request("POST", `${APPOINTMENT}/cancellation`, { token }),
  /** Free slots for the same services; the appointment's own time counts as free. */
  slots: (token: string, from: string, to: string, hold: string | null): Promise<Slots> =>
    request("GET", `${APPOINTMENT}/slots?from=${from}&to=${to}${hold ? `&hold=${hold}` : ""}`, { token }),
  /** Moves it. The answer brings a new link; this one is dead from then on. */
  move: (token: string, startsAt: string, holdId: string | null, key: string): Promise<BookedAppointment> =>
    request("POST", `${APPOINTMENT}/rescheduling`, {
      token,
      body: { starts_at: startsAt, ...(holdId ? { hold_id: holdId } : {}) },
      headers: { "Idempotency-Key": key },
    }),
  waitForEarlier: (token: string): Promise<{ readonly since: string }> => request("PUT", `${APPOINTMENT}/waiting`, { token, body: {} }),
  stopWaiting: (token: string): Promise<void> => request("DELETE", `${APPOINTMENT}/waiting`, { token }),
  downloadCalendar: (token: string, filename: string): Promise<void> => download(`${APPOINTMENT}/calendar`, filename, token),
  /** Everything that is stored about the holder (GDPR Art. 15). */
  downloadData: (token: string, filename: string): Promise<void> => download(`${APPOINTMENT}/data`, filename, token),
  /** Erases it (GDPR Art. 17); an appointment still to come is cancelled first. */
  erase: (token: string): Promise<void> => request("POST", `${APPOINTMENT}/erasure`, { token }),
};

/** A freed slot that is kept for one citizen of the waiting list. */
export const offerApi = {
  view: (token: string): Promise<OfferView> => request("GET", "/api/booking/offer", { token }),
  accept: (token: string): Promise<BookedAppointment> => request("POST", "/api/booking/offer/acceptance", { token }),
  refuse: (token: string, leaveList: boolean): Promise<void> => request("POST", "/api/booking/offer/refusal", { token, body: { leave_list: leaveList } }),
};

/** A number in the walk-in queue. */
export const walkInApi = {
  /** "I am still here", and what became of my turn. Whoever is silent for a minute has gone. */
  present: (ticket: string): Promise<WalkInPresence> => request("POST", "/api/booking/walk-in/presence", { token: ticket }),
  leave: (ticket: string): Promise<void> => request("POST", "/api/booking/walk-in/departure", { token: ticket }),
};
