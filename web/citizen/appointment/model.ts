import type { AppointmentView, OfficeInfo } from "$shared/api/types";
import { localised } from "$shared/i18n/language.svelte";
import { manage } from "$shared/i18n/manage";

type Booked = Pick<AppointmentView["services"][number], "service_id" | "name" | "persons">;

/** The names of what was booked, also of services that the office has dropped since. */
export function serviceNames(booked: readonly Booked[], office: Pick<OfficeInfo, "services">): readonly string[] {
  return booked.map(({ service_id, name, persons }) => {
    const found = name ?? office.services.find((service) => service.id === service_id)?.name;
    const text = found ? localised(found) : service_id;
    return persons > 1 ? manage.persons(text, persons) : text;
  });
}

/** What to have ready for an appointment, each thing once. */
export function thingsToBring(booked: readonly Booked[], office: Pick<OfficeInfo, "services">): readonly string[] {
  const ids = new Set(booked.map(({ service_id }) => service_id));
  return [...new Set(office.services.filter(({ id }) => ids.has(id)).flatMap((service) => service.bring.map(localised)))];
}

/** The services as a hold names them: `id`, or `id:persons`. */
export function countedServices(booked: readonly Booked[]): readonly string[] {
  return booked.map(({ service_id, persons }) => (persons > 1 ? `${service_id}:${persons}` : service_id));
}

/** Whether the waiting room lets one in: from when it opens until the case is closed, however long that takes. */
export function joinable(appointment: Pick<AppointmentView, "state" | "joinable_from">, now: number): boolean {
  return appointment.state === "booked" && now >= Date.parse(appointment.joinable_from);
}
