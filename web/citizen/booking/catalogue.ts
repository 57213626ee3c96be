import type { Category, ServiceOffer } from "$shared/api/types";

/** The groups of the catalogue in the order in which they are shown. */
export const CATEGORIES: readonly Category[] = ["identity", "residence", "certificates", "privacy", "vehicles", "advice"];
/** An appointment is for so many people at most. */
export const MOST_PERSONS = 12;

/** A chosen service, and for how many people. */
export interface Item {
  readonly service: ServiceOffer;
  readonly persons: number;
}

export interface Group {
  readonly category: Category;
  readonly services: readonly ServiceOffer[];
}

/** Services by category; categories without a service are left out, those we do not know come last. */
export function groupsOf(services: readonly ServiceOffer[]): readonly Group[] {
  const known = CATEGORIES.filter((category) => services.some((service) => service.category === category));
  const unknown = [...new Set(services.map(({ category }) => category))].filter((category) => !CATEGORIES.includes(category));
  return [...known, ...unknown].map((category) => ({ category, services: services.filter((service) => service.category === category) }));
}

/**
 * How long an appointment takes, in minutes: all services and all further people, and what services share (greeting,
 * identity) once. The same rule as the service's; its answer with the free slots is what counts.
 */
export function appointmentMinutes(items: readonly Item[]): number {
  const sum = items.reduce((total, { service, persons }) => total + service.minutes + (persons - 1) * (service.minutes_per_further_person ?? 0), 0);
  const shared = items.map(({ service }) => service.shared_minutes);
  return sum - shared.reduce((total, minutes) => total + minutes, 0) + Math.max(0, ...shared);
}

/** A service in an address's query: `id`, or `id:persons` for more than one person. */
export function counted({ service, persons }: Item): string {
  return persons > 1 ? `${service.id}:${persons}` : service.id;
}
