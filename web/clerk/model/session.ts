/**
 * The clerk's session: an access token that lives in memory alone, kept fresh by an HttpOnly cookie.
 *
 * Losing the session must not lose work: when it ends, pages stay mounted and only the state changes to `ended`,
 * so that the sign-in can be shown above what somebody was typing.
 */
import { ApiProblem } from "$shared/api/problem";
import { State } from "./state";
import type { ClerkInfo, ClerkSession } from "./types";

export type SessionState =
  | { readonly phase: "checking"; readonly clerk: null }
  | { readonly phase: "signed_out"; readonly clerk: null; readonly reason: "none" | "signed_out" }
  | { readonly phase: "signed_in"; readonly clerk: ClerkInfo }
  /** The server no longer knows the session; `clerk` is who was working here. */
  | { readonly phase: "ended"; readonly clerk: ClerkInfo };

export type SessionMessage = "signed-out" | "signed-in";

/** What the session needs of the server and the browser; tests hand in their own. */
export interface SessionPorts {
  signIn(office: string, username: string, password: string): Promise<ClerkSession>;
  refresh(): Promise<ClerkSession>;
  signOut(token: string): Promise<void>;
  /** Whether this browser signed in before and not out again: without it there is no cookie to ask with. */
  remembered(): boolean;
  remember(signedIn: boolean): void;
  now(): number;
  /** Calls back once after so many milliseconds; the returned function calls it off. */
  later(milliseconds: number, run: () => void): () => void;
  /** One refresh at a time over all tabs: the cookie rotates, so two at once would sign each other out. */
  exclusive<T>(run: () => Promise<T>): Promise<T>;
  /** Tells the other tabs of this browser. */
  tell(message: SessionMessage): void;
  /** Hears the other tabs. */
  hear(listener: (message: SessionMessage) => void): void;
}

/** Refresh this long before the token expires: more than a slow request takes. */
const MARGIN_MS = 60_000;
const RETRY_MS = 5_000;

type Refreshed = "fresh" | "refused" | "unreachable";

export class Session extends State<SessionState> {
  #token: string | null = null;
  #expiresAt = 0;
  #refreshing: Promise<Refreshed> | null = null;
  #cancelTimer: () => void = () => {};
  readonly #ports: SessionPorts;

  constructor(ports: SessionPorts) {
    super({ phase: "checking", clerk: null });
    this.#ports = ports;
    ports.hear((message) => {
      if (message === "signed-out") this.#forget({ phase: "signed_out", clerk: null, reason: "signed_out" });
      else if (this.value.phase !== "signed_in") void this.start();
    });
  }

  /** Take up the session of an earlier page load, if its cookie is still good. */
  async start(): Promise<void> {
    if (this.#ports.remembered()) {
      const outcome = await this.#refresh();
      if (outcome === "fresh" || this.value.phase === "ended") return;
    }
    this.#forget({ phase: "signed_out", clerk: null, reason: "none" });
  }

  /** Sign in; the password is kept nowhere. @throws ApiProblem */
  async signIn(office: string, username: string, password: string): Promise<void> {
    this.#accept(await this.#ports.signIn(office, username, password));
    this.#ports.tell("signed-in");
  }

  /** Sign out here, on the server, and in every other tab. */
  async signOut(): Promise<void> {
    const token = this.#token;
    this.#ports.remember(false);
    this.#forget({ phase: "signed_out", clerk: null, reason: "signed_out" });
    this.#ports.tell("signed-out");
    try {
      if (token !== null) await this.#ports.signOut(token);
    } catch {
      // Forgotten here all the same; the access token dies within minutes and the next sign-in replaces the cookie.
    }
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
    this.#refreshing ??= this.#ports
      .exclusive(() => this.#askForToken())
      .finally(() => {
        this.#refreshing = null;
      });
    return this.#refreshing;
  }

  async #askForToken(): Promise<Refreshed> {
    try {
      this.#accept(await this.#ports.refresh());
      return "fresh";
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) throw problem;
      // A server that is down or busy has not said no: the session stays, and is asked about again.
      if (problem.status === 0 || problem.status === 429 || problem.status >= 500) {
        this.#wakeIn(RETRY_MS);
        return "unreachable";
      }
      const state = this.value;
      this.#ports.remember(false);
      if (state.phase === "signed_in") this.#forget({ phase: "ended", clerk: state.clerk });
      return "refused";
    }
  }

  #accept(grant: ClerkSession): void {
    this.#ports.remember(true);
    this.#token = grant.access_token;
    this.#expiresAt = Date.parse(grant.expires_at);
    this.#wakeIn(Math.max(RETRY_MS, this.#expiresAt - this.#ports.now() - MARGIN_MS));
    const state = this.value;
    if (state.phase === "signed_in" && state.clerk.clerk_id === grant.clerk.clerk_id) return;
    this.set({ phase: "signed_in", clerk: grant.clerk });
  }

  #wakeIn(milliseconds: number): void {
    this.#cancelTimer();
    this.#cancelTimer =
      this.#token === null ? () => {} : this.#ports.later(milliseconds, () => void this.#refresh());
  }

  #forget(state: SessionState): void {
    this.#token = null;
    this.#cancelTimer();
    this.set(state);
  }
}
