/**
 * What a click means while the page changes under the finger.
 *
 * A primary button rests for a moment after its meaning changed, and when it appears on the heels of an act: nobody has read
 * it yet. The second half of a double click, or a key that is held, never reaches another control than the first half, and
 * presses nothing twice that leads on or sends something.
 */

/** So long a button rests. */
export const REST_MS = 700;
/** What appears so soon after an act came of it. */
export const AFTERMATH_MS = 1500;
/** Two taps of a finger within this time and distance are one double tap: browsers count only a mouse's clicks. */
const DOUBLE_TAP_MS = 500;
const DOUBLE_TAP_PX = 24;

export interface Press {
  /** Milliseconds, monotonic. */
  at: number;
  x: number;
  y: number;
  /** How often it was clicked here in a row, as the browser counts; 0 without a pointer. */
  count: number;
  pointer: string;
  /** The control under the pointer and what it says; null beside every control. */
  control: object | null;
  meaning: string;
  /** It leads on or sends something: once per gesture is enough. */
  once: boolean;
}

/** Judges every press of a page by the one before. */
export class Presses {
  #first: Press | null = null;
  #held: object | null = null;
  #last = Number.NEGATIVE_INFINITY;

  /** Whether this press may act. The second half of a double one may only do again what the first half did, as plus and minus do. */
  admits(press: Press): boolean {
    const first = this.#first;
    this.#last = press.at;
    if (first !== null && isSecondHalf(first, press)) {
      if (press.once || press.control !== first.control || press.meaning !== first.meaning) return false;
    }
    this.#first = press;
    return true;
  }

  /** Whether a key that went down may act: one that is held repeats, and must not press what has come to the focus meanwhile. */
  admitsKey(control: object | null, once: boolean, repeated: boolean): boolean {
    if (repeated) return !once && control === this.#held;
    this.#held = control;
    return true;
  }

  /** Something came over the wire and moved the page; what appears now has not been read either. */
  moved(at: number): void {
    this.#last = at;
  }

  /** Whether what appears at this moment came of an act. */
  followsAct(at: number): boolean {
    return at - this.#last < AFTERMATH_MS;
  }
}

function isSecondHalf(first: Press, second: Press): boolean {
  if (second.count === 0) return false;
  if (second.count > 1) return true;
  const near = Math.hypot(second.x - first.x, second.y - first.y) <= DOUBLE_TAP_PX;
  return second.pointer !== "mouse" && second.pointer === first.pointer && near && second.at - first.at < DOUBLE_TAP_MS;
}

const CONTROLS = "a[href], button, summary, [role=button], [role=tab]";

const ONCE = ".kern-btn--primary, [type=submit]";

const presses = new Presses();

const isOnce = (control: Element | null): boolean => control?.matches(ONCE) ?? false;
const controlOf = (target: EventTarget | null): Element | null => (target instanceof Element ? target.closest(CONTROLS) : null);

function meaningOf(control: Element | null): string {
  if (control === null) return "";
  return [control.textContent, control.getAttribute("aria-label"), control.getAttribute("href")].join("|");
}

/** Watch every press of this document. Call once, before the first page is drawn. */
export function guardPresses(): void {
  const stop = (event: Event): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener(
    "click",
    (event) => {
      const control = controlOf(event.target);
      const pointer = (event as Partial<PointerEvent>).pointerType ?? "";
      const { clientX: x, clientY: y, detail: count } = event;
      if (!presses.admits({ at: performance.now(), x, y, count, pointer, control, meaning: meaningOf(control), once: isOnce(control) })) stop(event);
    },
    { capture: true },
  );
  window.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      const control = controlOf(event.target);
      if (!presses.admitsKey(control, isOnce(control), event.repeat) && control !== null) stop(event);
    },
    { capture: true },
  );
}

/** Something else than this person moved the page: what appears now rests as after an act. */
export function pageMoved(): void {
  presses.moved(performance.now());
}

/** Tells `change` when the control begins to rest and when it is awake. Returns how to stop. */
export function watchRest(control: Element, change: (resting: boolean) => void): () => void {
  let meaning = meaningOf(control);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rest = (): void => {
    clearTimeout(timer);
    change(true);
    timer = setTimeout(() => change(false), REST_MS);
  };
  const observer = new MutationObserver(() => {
    const before = meaning;
    meaning = meaningOf(control);
    if (meaning !== before) rest();
  });
  observer.observe(control, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["aria-label", "href"] });
  if (presses.followsAct(performance.now())) rest();
  return () => {
    clearTimeout(timer);
    observer.disconnect();
  };
}
