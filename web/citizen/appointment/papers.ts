import type { AppointmentView, CitizenCaseView, OfficeInfo } from "$shared/api/types";
import { localised } from "$shared/i18n/language.svelte";

/** A paper that the citizen can keep. */
export interface Paper {
  readonly kind: "receipt" | "application";
  readonly title: string;
  /** The application; null for the receipt. */
  readonly applicationId: string | null;
  readonly file: string;
}

/** The papers of a completed case: a receipt if something was paid, and every application. */
export function papersOf(view: CitizenCaseView): readonly Paper[] {
  if (view.state !== "completed") return [];
  const applications = view.applications.flatMap((one): Paper[] =>
    one.document === null ? [] : [{ kind: "application", title: one.document.title, applicationId: one.application_id, file: `${view.reference}-${one.service_id}.pdf` }],
  );
  const receipt: Paper = { kind: "receipt", title: "", applicationId: null, file: `${view.reference}.pdf` };
  return view.payment.amount_cents > 0 ? [receipt, ...applications] : applications;
}

/** What the call could not finish, in the words of the services: a visit that is still needed. Each sentence once. */
export function stillToDo(booked: readonly { readonly service_id: string }[], office: Pick<OfficeInfo, "services">): readonly string[] {
  const ids = new Set(booked.map(({ service_id }) => service_id));
  return [...new Set(office.services.flatMap(({ id, cannot_finish }) => (ids.has(id) && cannot_finish ? [localised(cannot_finish)] : [])))];
}

/** Why somebody cannot come to the call of this appointment any more; null while they can. */
export function over(appointment: Pick<AppointmentView, "state">): "cancelled" | "completed" | "aborted" | "missed" | null {
  switch (appointment.state) {
    case "booked":
    case "lapsed": // nobody has ended it: whether somebody is there says the room
      return null;
    case "no_show":
      return "missed";
    case "cancelled":
    case "completed":
      return appointment.state;
    default:
      return "aborted";
  }
}
