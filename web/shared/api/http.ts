import { learnServerTime } from "./clock";
import { problemFromFailure, problemFromResponse } from "./problem";

export interface RequestOptions {
  /** Bearer token: the citizen's link token or the clerk's access token. */
  readonly token?: string | null | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Milliseconds until the request counts as `unreachable`. */
  readonly timeout?: number;
}

/** A fresh key for one intended write. Keep it while retrying the same write; take a new one for a new intent. */
export function idempotencyKey(): string {
  return crypto.randomUUID();
}

const PATIENCE_MS = 20_000;

/**
 * Exchanges one request for its answer, within `timeout` ms.
 *
 * @throws ApiProblem on status >= 400, and `offline` or `unreachable` when no answer comes. Whoever aborted the request
 * hears their own abort.
 */
export async function exchange(request: Request, timeout: number = PATIENCE_MS): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]) });
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw problemFromFailure(cause);
  }
  learnServerTime(response);
  if (!response.ok) throw await problemFromResponse(response);
  return response;
}

/** Sends a request to our own origin and returns the answer as it came. @throws ApiProblem as `exchange` does. */
export async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const headers = new Headers({ Accept: "application/json, application/problem+json" });
  if (options.token) headers.set("Authorization", `Bearer ${options.token}`);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  const origin = typeof window === "undefined" ? "http://localhost" : window.location.origin;
  const request = new Request(origin + path, {
    method,
    headers,
    body: options.body === undefined ? null : JSON.stringify(options.body),
    cache: "no-store",
    ...(options.signal ? { signal: options.signal } : {}),
  });
  return exchange(request, options.timeout);
}

/** Sends a request and parses the JSON answer. @throws ApiProblem */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(method, path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Fetches a document with the caller's token and offers it as a file, since a plain link cannot carry the token. @throws ApiProblem */
export async function download(path: string, filename: string, token: string): Promise<void> {
  const response = await send("GET", path, { token, timeout: 60_000 });
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
  // Safari starts the download only after the click's task has ended.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
