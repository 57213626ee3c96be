import { matchRoute, type Match, type Route } from "./routes";

/** Client-side navigation by path over the History API. One router per page; call `start()` once. */
export class Router<Name extends string> {
  #location = $state({ path: window.location.pathname, hash: window.location.hash });
  /** Rises with every navigation inside the page; 0 is the first view, which must not steal the focus. */
  visits = $state(0);

  constructor(
    private readonly routes: readonly Route<Name>[],
    /** First path segments that belong to other pages or services (`api`, `clerk`): links there load a document. */
    private readonly foreign: readonly string[] = [],
  ) {}

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
    window.history[replace ? "replaceState" : "pushState"](null, "", address);
    this.#moved();
    window.scrollTo({ top: 0, behavior: "instant" });
  }

  /** Listens to the back button and to clicks on ordinary links. Returns how to stop. */
  start(): () => void {
    const moved = (): void => this.#moved();
    const clicked = (event: MouseEvent): void => this.#clicked(event);
    window.addEventListener("popstate", moved);
    window.addEventListener("hashchange", moved);
    document.addEventListener("click", clicked);
    return () => {
      window.removeEventListener("popstate", moved);
      window.removeEventListener("hashchange", moved);
      document.removeEventListener("click", clicked);
    };
  }

  #moved(): void {
    const { pathname, hash } = window.location;
    if (pathname === this.#location.path && hash === this.#location.hash) return;
    this.#location = { path: pathname, hash };
    this.visits += 1;
  }

  #clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
    if (this.foreign.includes(link.pathname.split("/")[1] ?? "")) return;
    // A fragment of this very page (skip link, error summary) stays the browser's business.
    if (link.pathname === window.location.pathname && link.hash && !link.hash.includes(".")) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}
