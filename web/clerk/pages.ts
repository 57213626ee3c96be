/** The pages of this client, each a part of its own: the sign-in form is there at once, the rest follows. */
import type { Component } from "svelte";

import type { ClerkInfo } from "$shared/api/types";
import type { router } from "./app";

type Name = NonNullable<typeof router.current>["name"];

export const loadCase = (): Promise<{ default: Component<{ me: ClerkInfo; caseId: string }> }> => import("./workspace/WorkspacePage.svelte");

export const pages: Readonly<Record<Exclude<Name, "case">, () => Promise<{ default: Component<{ me: ClerkInfo }> }>>> = {
  agenda: () => import("./agenda/AgendaPage.svelte"),
  week: () => import("./office/week/WeekPage.svelte"),
  book: () => import("./office/booking/BookingPage.svelte"),
  absences: () => import("./office/team/AbsencesPage.svelte"),
  moves: () => import("./office/moves/MovesPage.svelte"),
  statistics: () => import("./office/statistics/StatisticsPage.svelte"),
  hours: () => import("./office/hours/HoursPage.svelte"),
  team: () => import("./office/team/TeamPage.svelte"),
  mails: () => import("./office/mails/MailsPage.svelte"),
};

const IDLE_MS = 3000;

/** Fetches what a day at the desk needs once the first page stands: a case must open although a new version came. */
export function fetchAhead(): () => void {
  const timer = setTimeout(() => {
    for (const load of [loadCase, ...Object.values(pages)]) load().catch(() => undefined);
  }, IDLE_MS);
  return () => clearTimeout(timer);
}
