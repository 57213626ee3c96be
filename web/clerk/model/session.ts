/**
 * The clerk's session: an access token that lives in memory alone, kept fresh by an HttpOnly cookie.
 *
 * Losing the session must not lose work: when it ends, pages stay mounted and only the state changes to `ended`,
 * so that the sign-in can be shown above what somebody was typing. A server that does not answer has ended nothing:
 * it is asked again. What was asked before somebody signed in or out changes nothing any more, in no tab.
 */
import { Latest, type Question } from "$shared/api/latest";
import { ApiProblem } from "$shared/api/problem";
import { State } from "$shared/state";
import type { ClerkInfo, ClerkSession } from "./types";

export type SessionState =
  | { readonly phase: "checking"; readonly clerk: null }
  /** Nobody can say whether the session is still good; it is asked again until somebody can. */
  | { readonly phase: "unreachable"; readonly clerk: null }
  | { readonly phase: "signed_out"; readonly clerk: null; readonly reason: "none" | "signed_out" }
  | { readonly phase: "signed_in"; readonly clerk: ClerkInfo }
  /** The server no longer knows the session; `clerk` is who was working here. */
  | { readonly phase: "ended"; readonly clerk: ClerkInfo };

export type SessionMessage = "signed-out" | "signed-in";

/** What the session needs of the server and the browser; tests hand in their own. */
export interface SessionPorts {
  signIn(office: string, username: string, password: string): Promise<ClerkSession>;
  refresh(): Promise<ClerkSession>;
  /** Ends the session of the cookie. */
  signOut(): Promise<void>;
  /** Whether this browser signed in before and not out again: without it there is no cookie to ask with. */
  remembered(): boolean;
  remember(signedIn: boolean): void;
  /** The server's time, in ms since 1970: tokens expire by its clock, and this device's may be wrong. */
  now(): number;
  /** Calls back once after so many milliseconds; the returned function calls it off. */
  later(milliseconds: number, run: () => void): () => void;
  /** One change of the cookie at a time over all tabs, in the order of asking: it rotates, so two at once would sign each other out. */
  exclusive<T>(run: () => Promise<T>): Promise<T>;
  /** Tells the other tabs of this browser. */
  tell(message: SessionMessage): void;
  /** Hears the other tabs. */
  hear(listener: (message: SessionMessage) => void): void;
  /** Whether this tab holds something typed that the server does not. */
  unsaved(): boolean;
}

/** Refresh this long before the token expires: more than a slow request takes. */
const MARGIN_MS = 60_000;
const RETRY_MS = 5_000;

type Refreshed = "fresh" | "refused" | "unreachable" | "overtaken";

/** A server that is down or busy has not said no. */
function isRefusal(problem: unknown): boolean {
  return problem instanceof ApiProblem && problem.status >= 400 && problem.status < 500 && ![408, 429].includes(problem.status);
}

export class Session extends State<SessionState> {
  #token: string | null = null;
  #expiresAt = 0;
  #refreshing: Promise<Refreshed> | null = null;
  #cancelTimer: () => void = () => {};
  readonly #latest = new Latest();
  readonly #ports: SessionPorts;

  constructor(ports: SessionPorts) {
    super({ phase: "checking", clerk: null });
    this.#ports = ports;
    ports.hear((message) => {
      if (message === "signed-out") this.#signedOutElsewhere();
      else if (this.value.phase !== "signed_in") void this.start();
    });
  }

  /** Take up the session of an earlier page load, if its cookie is still good. Call it again to ask at once. */
  async start(): Promise<void> {
    if (this.#ports.remembered()) await this.#refresh();
    else this.#forget({ phase: "signed_out", clerk: null, reason: "none" });
  }

  /** Sign in; the password is kept nowhere. @throws ApiProblem */
  async signIn(office: string, username: string, password: string): Promise<void> {
    const grant = await this.#ports.exclusive(() => this.#ports.signIn(office, username, password));
    this.#overtake();
    this.#accept(grant);
    this.#ports.tell("signed-in");
  }

  /** Sign out here, on the server, and in every other tab. */
  async signOut(): Promise<void> {
    this.#ports.remember(false);
    this.#forget({ phase: "signed_out", clerk: null, reason: "signed_out" });
    this.#ports.tell("signed-out");
    try {
      // After a refresh in flight, whose cookie would otherwise outlive this.
      await this.#ports.exclusive(() => this.#ports.signOut());
    } catch {
      // Forgotten here all the same; the access token dies within minutes and the next sign-in replaces the cookie.
    }
  }

  /** Another tab signed out. What is typed here and not saved stays behind the question to sign in again. */
  #signedOutElsewhere(): void {
    const state = this.value;
    const keep = (state.phase === "signed_in" || state.phase === "ended") && this.#ports.unsaved();
    this.#forget(keep ? { phase: "ended", clerk: state.clerk } : { phase: "signed_out", clerk: null, reason: "signed_out" });
  }

  /** Give up the session after somebody else's sign-in was wanted: back to the empty sign-in page. */
  dismiss(): void {
    this.#forget({ phase: "signed_out", clerk: null, reason: "none" });
  }

  /**
   * Ask the server as the clerk. A 401 is answered by one refresh and one repetition, then handed on.
   *
   * @throws ApiProblem what the server answered; 401 once the session is over
   */
  readonly call = async <T>(ask: (token: string) => Promise<T>): Promise<T> => {
    try {
      return await ask(await this.token());
    } catch (problem) {
      if (!(problem instanceof ApiProblem) || problem.status !== 401 || this.value.phase !== "signed_in") throw problem;
      if ((await this.#refresh()) !== "fresh") throw problem;
      return ask(this.#token ?? "");
    }
  };

  /** A token good for some seconds at least. @throws ApiProblem 401 `signed_out` when there is none */
  async token(): Promise<string> {
    if (this.#token !== null && this.#ports.now() >= this.#expiresAt - RETRY_MS) await this.#refresh();
    if (this.#token === null) throw new ApiProblem(401, "signed_out", "Signed out", "");
    return this.#token;
  }

  /** Callers at the same time share one refresh. */
  #refresh(): Promise<Refreshed> {
    if (this.#refreshing !== null) return this.#refreshing;
    const question = this.#latest.begin();
    const refreshing = this.#askForToken(question).finally(() => {
      if (this.#refreshing === refreshing) this.#refreshing = null;
    });
    this.#refreshing = refreshing;
    return refreshing;
  }

  async #askForToken(question: Question): Promise<Refreshed> {
    try {
      // Whoever waited for another tab may have been signed out by it meanwhile.
      const grant = await this.#ports.exclusive(async () => (question.open ? this.#ports.refresh() : null));
      if (grant === null || !question.open) return "overtaken";
      this.#accept(grant);
      return "fresh";
    } catch (problem) {
      if (!question.open) return "overtaken";
      if (isRefusal(problem)) return this.#refused();
      return this.#unanswered();
    }
  }

  #refused(): Refreshed {
    const state = this.value;
    this.#ports.remember(false);
    if (state.phase === "signed_in") this.#forget({ phase: "ended", clerk: state.clerk });
    else if (state.phase !== "ended") this.#forget({ phase: "signed_out", clerk: null, reason: "none" });
    return "refused";
  }

  #unanswered(): Refreshed {
    const { phase } = this.value;
    if (phase === "checking") this.set({ phase: "unreachable", clerk: null });
    // Whoever is signed out or has to sign in again is not asked for in the background.
    if (phase !== "signed_out" && phase !== "ended") this.#wakeIn(RETRY_MS);
    return "unreachable";
  }

  #accept(grant: ClerkSession): void {
    this.#ports.remember(true);
    this.#token = grant.access_token;
    this.#expiresAt = Date.parse(grant.expires_at);
    const wait = this.#expiresAt - this.#ports.now() - MARGIN_MS;
    this.#wakeIn(wait > RETRY_MS ? wait : RETRY_MS);
    const state = this.value;
    if (state.phase === "signed_in" && state.clerk.clerk_id === grant.clerk.clerk_id) return;
    this.set({ phase: "signed_in", clerk: grant.clerk });
  }

  #wakeIn(milliseconds: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#ports.later(milliseconds, () => void this.#refresh());
  }

  /** Whatever is being asked is about the session before. */
  #overtake(): void {
    this.#latest.drop();
    this.#refreshing = null;
  }

  #forget(state: SessionState): void {
    this.#overtake();
    this.#token = null;
    this.#cancelTimer();
    this.set(state);
  }
}
