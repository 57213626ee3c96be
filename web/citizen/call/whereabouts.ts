/** Where this tab was before a reload: in the waiting room or in the call of which appointment. Nothing personal. */

const STORAGE_KEY = "schalter-call";

export type Where = "waiting" | "in_call";

export function remember(appointmentId: string, where: Where): void {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ appointmentId, where }));
  } catch {
    // Without storage a reload begins before the waiting room, as the link does.
  }
}

export function forget(): void {
  try {
    sessionStorage.removeItem(STORAGE_KEY);
  } catch {
    // Nothing was kept then.
  }
}

/** Where the tab was for this appointment; null when it comes by the link. */
export function recall(appointmentId: string): Where | null {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null") as { appointmentId?: unknown; where?: unknown } | null;
    if (stored?.appointmentId !== appointmentId) return null;
    return stored.where === "in_call" || stored.where === "waiting" ? stored.where : null;
  } catch {
    return null;
  }
}
