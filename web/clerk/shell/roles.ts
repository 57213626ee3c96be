import type { ClerkInfo } from "$shared/api/types";

/** Whether somebody may change how the office works: its hours, its team, everybody's appointments. */
export const leads = (me: Pick<ClerkInfo, "role">): boolean => me.role === "lead" || me.role === "admin";
