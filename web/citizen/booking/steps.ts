import { booking } from "$shared/i18n/booking";

/** The names of the three steps in the language shown. */
export function stepNames(): readonly string[] {
  return [booking.servicesStep, booking.timeStep, booking.detailsStep];
}
