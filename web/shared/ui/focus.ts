/** Set by the application once a navigation has happened: only then does a new page title take the focus. */
export const focusOnTitle = { wanted: false };

/** Moves keyboard and screen reader to an element, e.g. the error summary, after the view has been drawn. */
export function focusSoon(id: string): void {
  requestAnimationFrame(() => document.getElementById(id)?.focus());
}
