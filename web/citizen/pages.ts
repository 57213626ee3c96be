/** The pages of this client, each a part of its own: nobody who books loads the call. */
import type { Component } from "svelte";

import type { OfficeInfo } from "$shared/api/types";
import type { PageName } from "./router";

export type OfficePage = () => Promise<{ default: Component<{ office: OfficeInfo; token: string | null }> }>;

export const loadOffices = (): Promise<{ default: Component<Record<string, never>> }> => import("./pages/OfficesPage.svelte");

export const officePages: Readonly<Record<Exclude<PageName, "offices">, OfficePage>> = {
  "booking-services": () => import("./booking/ServicesStep.svelte"),
  "booking-time": () => import("./booking/TimeStep.svelte"),
  "booking-details": () => import("./booking/DetailsStep.svelte"),
  "booking-done": () => import("./booking/DonePage.svelte"),
  "waiting-list": () => import("./waiting/WaitingListPage.svelte"),
  waiting: () => import("./waiting/EntryPage.svelte"),
  "walk-in": () => import("./walkin/WalkInPage.svelte"),
  offer: () => import("./offer/OfferPage.svelte"),
  reserved: () => import("./confirming/ReservedPage.svelte"),
  confirm: () => import("./confirming/ConfirmPage.svelte"),
  "lost-link": () => import("./lostlink/LostLinkPage.svelte"),
  appointment: () => import("./appointment/AppointmentPage.svelte"),
  move: () => import("./appointment/MovePage.svelte"),
  reminders: () => import("./appointment/RemindersPage.svelte"),
  call: () => import("./call/CallPage.svelte"),
  check: () => import("./check/CheckPage.svelte"),
  "payment-return": () => import("./pages/PaymentReturnPage.svelte"),
  privacy: () => import("./pages/PrivacyPage.svelte"),
};

/** Where people go from a page: fetched while they read, so that the next step works on a train, too. */
const NEXT: Partial<Record<PageName, readonly (keyof typeof officePages)[]>> = {
  offices: ["booking-services"],
  "booking-services": ["booking-time", "booking-details", "booking-done"],
  "booking-done": ["check", "call"],
  confirm: ["booking-done"],
  "walk-in": ["call"],
  appointment: ["check", "call", "move"],
  check: ["call"],
};
const IDLE_MS = 3000;

/** Fetches the pages that may come next, once this one has been standing for a while. Returns how not to. */
export function soonAfter(page: PageName): () => void {
  const timer = setTimeout(() => {
    // What does not come now is asked for again when it is needed, and then missed aloud.
    for (const next of NEXT[page] ?? []) officePages[next]().catch(() => undefined);
  }, IDLE_MS);
  return () => clearTimeout(timer);
}
