import { tick } from "svelte";

/** Set by the application once a navigation has happened: only then does a new page title take the focus. */
export const focusOnTitle = { wanted: false };

/** Moves keyboard and screen reader to an element, e.g. the error summary, after the view has been drawn. */
export function focusSoon(id: string): void {
  requestAnimationFrame(() => document.getElementById(id)?.focus());
}

const FIELDS = "input, select, textarea, button, a[href]";

/** Moves the focus to the element with that id, or to the first field in it; what cannot take the focus is enabled to. */
export function leadTo(id: string): void {
  const element = document.getElementById(id);
  if (!element) return;
  element.focus();
  if (document.activeElement === element) return;
  const field = element.querySelector<HTMLElement>(FIELDS);
  if (!field) element.tabIndex = -1;
  (field ?? element).focus();
}

/** So long an act has to lead the focus on by itself. */
const GRACE_MS = 300;
/** Where the focus was put because nothing led it on: still to be led on. */
let parked: Element | null = null;

const nowhere = (): boolean => [null, document.body, parked].includes(document.activeElement);
const gone = (element: Element): boolean => !element.isConnected || element.matches(":disabled") || element.closest("dialog:not([open])") !== null;

/** When what had the focus has gone with what it did: moves to the first of these elements that is there. */
export async function focusIfLost(...ids: readonly string[]): Promise<void> {
  await tick();
  if (!nowhere()) return;
  ids.map((id) => document.getElementById(id)).find((element) => element !== null)?.focus();
}

/**
 * What had the focus may vanish without leading it on: then it goes to the nearest part of the page that is still there and
 * can have it, so that keyboard and screen reader do not start over at the top. Returns how to stop.
 */
export function keepFocus(): () => void {
  let held: readonly Element[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const lost = (): boolean => held[0] !== undefined && document.activeElement === document.body && gone(held[0]);
  const hold = ({ target }: FocusEvent): void => {
    if (target !== parked) parked = null;
    held = target instanceof Element ? withAncestors(target) : [];
  };
  const rescue = (): void => {
    timer = undefined;
    if (!lost()) return;
    parked = held.find((one) => one.matches("[tabindex]") && !gone(one)) ?? document.querySelector("main");
    (parked as HTMLElement | null)?.focus({ preventScroll: true });
  };
  const observer = new MutationObserver(() => {
    if (timer === undefined && lost()) timer = setTimeout(rescue, GRACE_MS);
  });
  document.addEventListener("focusin", hold);
  observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled", "open"] });
  return () => {
    document.removeEventListener("focusin", hold);
    observer.disconnect();
    clearTimeout(timer);
  };
}

function withAncestors(element: Element): Element[] {
  const line: Element[] = [];
  for (let one: Element | null = element; one !== null; one = one.parentElement) line.push(one);
  return line;
}
