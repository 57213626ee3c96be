/** Booking's side for the town hall, asked as the clerk who is signed in. Every function throws ApiProblem. */
import { download, exchange } from "$shared/api/http";
import type { BookedAppointment, Slots } from "$shared/api/types";
import { session } from "../app";
import type { BlockedTime, BlockReason, Colleague, Conflict, Moves, OfficeBooking, StatisticsRow, Timetable, Week } from "./types";

const BASE = "/api/booking/office";

interface Asking {
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  /** One key per intent: repeated after a failure it is the same act. */
  readonly key?: string;
}

function ask<T>(method: string, path: string, { query = {}, body, key }: Asking = {}): Promise<T> {
  return session.call(async (token) => {
    const url = new URL(path, window.location.origin);
    for (const [name, value] of Object.entries(query)) {
      for (const one of typeof value === "string" ? [value] : value) url.searchParams.append(name, one);
    }
    const headers = new Headers({ Accept: "application/json, application/problem+json", Authorization: `Bearer ${token}` });
    if (body !== undefined) headers.set("Content-Type", "application/json");
    if (key !== undefined) headers.set("Idempotency-Key", key);
    const response = await exchange(
      new Request(url, { method, headers, cache: "no-store", body: body === undefined ? null : JSON.stringify(body) }),
    );
    return (response.status === 204 ? undefined : await response.json()) as T;
  });
}

export type SavedTimetable = Timetable & { readonly conflicts: readonly Conflict[] };
export type SavedBlock = BlockedTime & { readonly conflicts: readonly Conflict[] };

export const officeApi = {
  week: (day: string): Promise<Week> => ask("GET", `${BASE}/week`, { query: { day } }),

  slots: (services: readonly string[], from: string, to: string): Promise<Slots> =>
    ask("GET", `${BASE}/slots`, { query: { services, from, to } }),
  book: (booking: OfficeBooking, key: string): Promise<BookedAppointment> => ask("POST", `${BASE}/appointments`, { body: booking, key }),
  reschedule: (id: string, startsAt: string, key: string): Promise<unknown> =>
    ask("POST", `${BASE}/appointments/${id}/rescheduling`, { body: { starts_at: startsAt }, key }),
  cancel: (id: string): Promise<unknown> => ask("POST", `${BASE}/appointments/${id}/cancellation`),
  noShow: (id: string): Promise<unknown> => ask("POST", `${BASE}/appointments/${id}/no-show`),

  timetable: (): Promise<Timetable> => ask("GET", `${BASE}/timetable`),
  /** Problem `timetable_changed` when somebody saved since `version`. */
  saveTimetable: (timetable: Timetable): Promise<SavedTimetable> => ask("PUT", `${BASE}/timetable`, { body: timetable }),

  blockedTimes: async (from: string, to: string): Promise<readonly BlockedTime[]> =>
    (await ask<{ blocked_times: readonly BlockedTime[] }>("GET", `${BASE}/blocked-times`, { query: { from, to } })).blocked_times,
  block: (wish: { lane: number; starts_at: string; ends_at: string; reason: BlockReason; note?: string }): Promise<SavedBlock> =>
    ask("POST", `${BASE}/blocked-times`, { body: wish }),
  unblock: (id: string): Promise<void> => ask("DELETE", `${BASE}/blocked-times/${id}`),

  moves: (wish: { lane: number; from: string; to: string; dry_run: boolean }, key: string): Promise<Moves> =>
    ask("POST", `${BASE}/moves`, { body: wish, key }),

  statistics: (from: string, to: string): Promise<{ readonly weeks: readonly StatisticsRow[] }> =>
    ask("GET", `${BASE}/statistics`, { query: { from, to } }),
  downloadStatistics: (from: string, to: string): Promise<void> =>
    session.call((token) => download(`${BASE}/statistics.csv?from=${from}&to=${to}`, `schalter-${from}-${to}.csv`, token)),

  /** Who can sign in at this office. */
  colleagues: async (): Promise<readonly Colleague[]> => (await ask<{ clerks: readonly Colleague[] }>("GET", "/api/casework/clerks")).clerks,
};
