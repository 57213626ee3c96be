import type { AppointmentView, OfficeInfo } from "$shared/api/types";
import { localised } from "$shared/i18n/language.svelte";

/** The names of what was booked, also of services that the office has dropped since. */
export function serviceNames(appointment: AppointmentView, office: Pick<OfficeInfo, "services">): readonly string[] {
  return appointment.services.map(({ service_id, name }) => {
    const found = name ?? office.services.find((service) => service.id === service_id)?.name;
    return found ? localised(found) : service_id;
  });
}

/** Whether the waiting room lets one in: from when it opens until the case is closed, however long that takes. */
export function joinable(appointment: Pick<AppointmentView, "state" | "joinable_from">, now: number): boolean {
  return appointment.state === "booked" && now >= Date.parse(appointment.joinable_from);
}
