/** What is typed on the pages of this tab and not on the server yet: whoever ends the session asks here first. */
export class Unsaved {
  readonly #pages = new Set<symbol>();

  /** `elsewhere` says whether something is held beyond the pages that are open. */
  constructor(private readonly elsewhere: () => boolean) {}

  get some(): boolean {
    return this.#pages.size > 0 || this.elsewhere();
  }

  /** A page holds something, until the returned function is called. */
  hold(): () => void {
    const page = Symbol("page");
    this.#pages.add(page);
    return () => void this.#pages.delete(page);
  }
}
