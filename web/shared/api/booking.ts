import { request } from "./http";
import type { AppointmentView, BookedAppointment, Hold, NewAppointment, OfficeInfo, OfficeSummary, Slots } from "./types";

const office = (slug: string): string => `/api/booking/offices/${encodeURIComponent(slug)}`;

/** The booking service. Every function throws ApiProblem. */
export const bookingApi = {
  offices: (): Promise<readonly OfficeSummary[]> => request("GET", "/api/booking/offices"),

  office: (slug: string): Promise<OfficeInfo> => request("GET", office(slug)),

  /** Free slots for these services together; `from` and `to` are days of the office, both included. */
  slots: (slug: string, services: readonly string[], from: string, to: string, hold: string | null, signal?: AbortSignal): Promise<Slots> =>
    request("GET", `${office(slug)}/slots`, { query: { services, from, to, hold: hold ?? undefined }, ...(signal ? { signal } : {}) }),

  /** Reserves a slot while the citizen types; with `holdId` the old hold moves. Problem `slot_taken` names alternatives. */
  hold: (slug: string, services: readonly string[], startsAt: string, holdId: string | null): Promise<Hold> =>
    request("POST", `${office(slug)}/holds`, { body: { services, starts_at: startsAt, ...(holdId ? { hold_id: holdId } : {}) } }),

  extendHold: (slug: string, holdId: string): Promise<Hold> => request("POST", `${office(slug)}/holds/${holdId}/extension`),

  releaseHold: (slug: string, holdId: string): Promise<void> => request("DELETE", `${office(slug)}/holds/${holdId}`),

  book: (slug: string, appointment: NewAppointment, idempotencyKey: string): Promise<BookedAppointment> =>
    request("POST", `${office(slug)}/appointments`, { body: appointment, idempotencyKey }),

  appointment: (token: string): Promise<AppointmentView> => request("GET", "/api/booking/appointment", { token }),

  cancel: (token: string): Promise<AppointmentView> => request("POST", "/api/booking/appointment/cancellation", { token, body: {} }),
};
