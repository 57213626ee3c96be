export type Urgency = "polite" | "assertive";

interface Announcement {
  readonly message: string;
  readonly urgency: Urgency;
}

/** Time for what else happens in the same moment: a dialog that closes, a focus that moves. */
const BEFORE_MS = 100;
/** Screen readers hear of changes by polling or by events that they merge: messages need a distance. */
const BETWEEN_MS = 300;
const KEPT_MS = 8000;

const waiting: Announcement[] = [];
let running = false;

/**
 * Says `message` through screen readers without moving the focus. `assertive` interrupts; keep it for what cannot wait.
 * Several messages at once are all said, urgent ones first; one that still waits is not said twice.
 */
export function announce(message: string, urgency: Urgency = "polite"): void {
  if (waiting.some((one) => one.message === message && one.urgency === urgency)) return;
  const place = urgency === "assertive" ? waiting.findIndex((one) => one.urgency === "polite") : -1;
  waiting.splice(place < 0 ? waiting.length : place, 0, { message, urgency });
  if (running) return;
  running = true;
  setTimeout(sayNext, BEFORE_MS);
}

function sayNext(): void {
  const next = waiting.shift();
  if (!next) {
    running = false;
    return;
  }
  const line = document.createElement("p");
  line.textContent = next.message;
  region(next.urgency).append(line);
  setTimeout(() => line.remove(), KEPT_MS);
  setTimeout(sayNext, BETWEEN_MS);
}

/** Behind an open dialog everything is inert, live regions too: the one inside the dialog speaks then. */
function region(urgency: Urgency): Element {
  const open = [...document.querySelectorAll("dialog[open]")];
  const root = open.find((dialog) => dialog.contains(document.activeElement)) ?? open.at(-1) ?? document.body;
  const found = root.querySelector(`:scope > [data-announce="${urgency}"]`);
  if (found) return found;
  const made = document.createElement("div");
  made.className = "kern-sr-only";
  made.setAttribute("aria-live", urgency);
  made.dataset["announce"] = urgency;
  root.append(made);
  return made;
}
