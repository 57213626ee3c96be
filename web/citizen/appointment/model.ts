import type { AppointmentView, OfficeInfo } from "$shared/api/types";
import { localised } from "$shared/i18n/language.svelte";
import { allThings } from "$shared/booking/bring";
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

/** What to have ready for an appointment, by what was chosen; nothing is known of services that the office has dropped. */
export function thingsToBring(booked: readonly (Booked & Pick<AppointmentView["services"][number], "options">)[], office: Pick<OfficeInfo, "services">): ReturnType<typeof allThings> {
  return allThings(
    booked.flatMap(({ service_id, options, persons }) => {
      const service = office.services.find(({ id }) => id === service_id);
      return service ? [{ service, options, persons }] : [];
    }),
  );
}

const SOON_MS = 60 * 60 * 1000;

/** Whether it begins within the hour, or has begun: an office may open its waiting room days ahead. */
export function imminent(appointment: Pick<AppointmentView, "state" | "starts_at">, now: number): boolean {
  return appointment.state === "booked" && now >= Date.parse(appointment.starts_at) - SOON_MS;
}

/** Whether the waiting room lets one in: from when it opens until the case is closed, however long that takes. */
export function joinable(appointment: Pick<AppointmentView, "state" | "awaited" | "joinable_from">, now: number): boolean {
  return (appointment.state === "booked" || appointment.awaited) && now >= Date.parse(appointment.joinable_from);
}
