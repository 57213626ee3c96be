let region: HTMLElement | null = null;

/** Says `message` through screen readers without moving the focus. `assertive` interrupts; keep it for what cannot wait. */
export function announce(message: string, urgency: "polite" | "assertive" = "polite"): void {
  if (!region) {
    region = document.createElement("div");
    region.className = "kern-sr-only";
    document.body.append(region);
  }
  region.setAttribute("aria-live", urgency);
  region.textContent = "";
  // A region that is emptied and filled in one task is not read again when the text repeats.
  setTimeout(() => region && (region.textContent = message), 60);
}
