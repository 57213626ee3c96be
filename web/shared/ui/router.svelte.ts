import { focusOnTitle, leadTo } from "./focus";
import { matchRoute, type Match, type Route } from "./routes";

/** Asked before the view changes while something would be lost; call `leave` once it is decided. */
export type Hold = (leave: () => void) => void;

/** Where an entry stands in the history, so that a step back can be taken back. */
interface Place {
  readonly place: number;
}

const placeOf = (state: unknown): number | null =>
  typeof state === "object" && state !== null && "place" in state ? (state as Place).place : null;

/** `#content` names a place on this page. What holds a dot is a token: who asks, and never a place. */
const placeOnPage = (hash: string): string | null => (hash.length > 1 && !hash.includes(".") ? hash.slice(1) : null);

/**
 * Client-side navigation by path over the History API. One router per page; call `start()` once.
 *
 * Nothing else writes the fragment: it holds the citizen's token. Links to a place on this page move the focus alone.
 */
export class Router<Name extends string> {
  #location = $state({ path: window.location.pathname, hash: window.location.hash });
  /** Rises with every navigation inside the page; 0 is the first view, which must not steal the focus. */
  visits = $state(0);
  #place = 0;
  #hold: Hold | null = null;
  /** A step that takes back another one, or that somebody decided: nobody is asked about it. */
  #silent = false;

  constructor(
    private readonly routes: readonly Route<Name>[],
    /** First path segments that belong to other pages or services (`api`, `clerk`): links there load a document. */
    private readonly foreign: readonly string[] = [],
    /** What took the place of a fragment meanwhile: a step back does not lead to a link that is no longer valid. */
    private readonly newest: (hash: string) => string = (hash) => hash,
  ) {
    // The browser may load the page again on the way back; a link from a mail stands in no place yet.
    if (placeOf(window.history.state) !== null) this.#renew();
    this.#location.hash = window.location.hash;
  }

  get path(): string {
    return this.#location.path;
  }

  /** The fragment, `#` included; the citizen's token lives there. */
  get hash(): string {
    return this.#location.hash;
  }

  get current(): Match<Name> | null {
    return matchRoute(this.routes, this.#location.path);
  }

  /** Goes to `address` (path, optionally with a fragment); `replace` leaves no entry to go back to. */
  go(address: string, { replace = false }: { replace?: boolean } = {}): void {
    if (this.#hold && new URL(address, window.location.href).pathname !== this.#location.path) {
      this.#hold(() => {
        this.#hold = null;
        this.go(address, { replace });
      });
      return;
    }
    if (!replace) this.#place += 1;
    window.history[replace ? "replaceState" : "pushState"]({ place: this.#place } satisfies Place, "", address);
    this.#moved();
    window.scrollTo({ top: 0, behavior: "instant" });
  }

  /**
   * From now on links, `go` and the browser's back button first ask `ask`, until the returned function is called.
   * Leaving the document (reload, closing the tab) is the browser's own question: `beforeunload`.
   */
  hold(ask: Hold): () => void {
    this.#hold = ask;
    return () => {
      if (this.#hold === ask) this.#hold = null;
    };
  }

  /** Listens to the back button and to clicks on ordinary links. Returns how to stop. */
  start(): () => void {
    const stepped = (): void => this.#stepped();
    const moved = (): void => {
      if (!this.#silent) this.#moved();
    };
    const clicked = (event: MouseEvent): void => this.#clicked(event);
    this.#place = placeOf(window.history.state) ?? 0;
    this.#markPlace();
    window.addEventListener("popstate", stepped);
    window.addEventListener("hashchange", moved);
    document.addEventListener("click", clicked);
    return () => {
      window.removeEventListener("popstate", stepped);
      window.removeEventListener("hashchange", moved);
      document.removeEventListener("click", clicked);
    };
  }

  #markPlace(): void {
    if (placeOf(window.history.state) === null) window.history.replaceState({ place: this.#place } satisfies Place, "");
  }

  /** An entry of the history may hold a link that was replaced since. */
  #renew(): void {
    const { pathname, search, hash } = window.location;
    const newest = this.newest(hash);
    if (newest !== hash) window.history.replaceState(window.history.state, "", pathname + search + newest);
  }

  /** The address changed by the browser's buttons, or by a fragment. */
  #stepped(): void {
    const there = placeOf(window.history.state);
    if (there === null) {
      // A fragment of this page: a new entry that the browser made.
      this.#place += 1;
      this.#markPlace();
    }
    const steps = there === null ? 0 : there - this.#place;
    if (this.#silent) this.#silent = false;
    else if (this.#hold && steps !== 0 && window.location.pathname !== this.#location.path) {
      const ask = this.#hold;
      this.#silent = true;
      window.history.go(-steps);
      ask(() => {
        this.#hold = null;
        window.history.go(steps);
      });
      return;
    }
    if (there !== null) {
      this.#place = there;
      this.#renew();
    }
    this.#moved();
  }

  #moved(): void {
    const { pathname, search, hash } = window.location;
    if (pathname === this.#location.path && hash === this.#location.hash) return;
    const place = placeOnPage(hash);
    if (place !== null && pathname === this.#location.path) {
      // Typed into the address bar, or written by an extension: the token stays where it was.
      window.history.replaceState(window.history.state, "", pathname + search + this.#location.hash);
      leadTo(place);
      return;
    }
    this.#location = { path: pathname, hash };
    focusOnTitle.wanted = true;
    this.visits += 1;
  }

  #clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
    if (this.foreign.includes(link.pathname.split("/")[1] ?? "")) return;
    event.preventDefault();
    const place = placeOnPage(link.hash);
    if (place !== null && link.pathname === window.location.pathname) {
      leadTo(place);
      return;
    }
    this.go(link.pathname + link.search + link.hash);
  }
}
