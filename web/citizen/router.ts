import { Router } from "$shared/ui/router.svelte";
import type { Route } from "$shared/ui/routes";
import { newest } from "./appointment/newer";

export type PageName =
  | "offices"
  | "booking-services"
  | "booking-time"
  | "booking-details"
  | "booking-done"
  | "waiting-list"
  | "waiting"
  | "walk-in"
  | "offer"
  | "reserved"
  | "confirm"
  | "lost-link"
  | "appointment"
  | "move"
  | "reminders"
  | "check"
  | "call"
  | "payment-return"
  | "privacy";

const routes: readonly Route<PageName>[] = [
  { name: "offices", pattern: "/" },
  { name: "booking-services", pattern: "/:office" },
  { name: "booking-time", pattern: "/:office/time" },
  { name: "booking-details", pattern: "/:office/details" },
  { name: "booking-done", pattern: "/:office/done" },
  { name: "waiting-list", pattern: "/:office/waiting-list" },
  { name: "waiting", pattern: "/:office/waiting" },
  { name: "walk-in", pattern: "/:office/walk-in" },
  { name: "offer", pattern: "/:office/offer" },
  { name: "reserved", pattern: "/:office/reserved" },
  { name: "confirm", pattern: "/:office/confirm" },
  { name: "lost-link", pattern: "/:office/lost-link" },
  { name: "appointment", pattern: "/:office/appointment" },
  { name: "move", pattern: "/:office/move" },
  { name: "reminders", pattern: "/:office/reminders" },
  { name: "check", pattern: "/:office/check" },
  { name: "call", pattern: "/:office/call" },
  { name: "payment-return", pattern: "/:office/payment-return" },
  { name: "privacy", pattern: "/:office/privacy" },
];

export const router = new Router<PageName>(routes, ["api", "clerk", "mail", "paypal-simulator", "assets"], newest);
