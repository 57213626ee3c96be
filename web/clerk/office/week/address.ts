import { localDay } from "$shared/i18n/format";
import type { AppointmentBrief } from "../types";

/** Where an appointment is moved: the week's page of the office's day, which near midnight is not the day in UTC. */
export function moveAddress(brief: Pick<AppointmentBrief, "appointment_id" | "starts_at">, zone: string): string {
  return `/clerk/week?day=${localDay(brief.starts_at, zone)}&move=${brief.appointment_id}`;
}
