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

const PATIENCE_MS = 20_000;

/**
 * Exchanges one request for its whole answer, within `timeout` ms.
 *
 * The body is read here, to its end: an answer that breaks off is none, whoever would have read it.
 *
 * @throws ApiProblem and nothing else: on status >= 400 what the service says, otherwise one of our own codes
 */
export async function exchange(request: Request, timeout: number = PATIENCE_MS): Promise<Response> {
  // By hand, since the oldest browsers that we serve cannot join signals (`AbortSignal.any`).
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  const timer = setTimeout(abort, timeout);
  request.signal.addEventListener("abort", abort);
  if (request.signal.aborted) abort();
  let whole: Response;
  try {
    const response = await fetch(request, { signal: stop.signal });
    learnServerTime(response);
    const bytes = await response.arrayBuffer();
    whole = new Response(bytes.byteLength === 0 ? null : bytes, response);
  } catch (cause) {
    throw problemFromFailure(cause, request.signal.aborted);
  } finally {
    clearTimeout(timer);
    request.signal.removeEventListener("abort", abort);
  }
  if (!whole.ok) throw await problemFromResponse(whole);
  return whole;
}

/** Exchanges a request for JSON or for nothing. @throws ApiProblem as `exchange` does, and `unreachable` for anything else, e.g. a hotspot's own page */
export async function exchangeJson(request: Request): Promise<Response> {
  const response = await exchange(request);
  const body = await response.clone().text();
  if (body !== "") parsed(response, body);
  return response;
}

function parsed(response: Response, body: string): unknown {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/\bjson\b/.test(type)) throw problemFromFailure(new TypeError(`an answer of type "${type}"`));
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw problemFromFailure(cause);
  }
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
  const body = await response.text();
  return (body === "" ? undefined : parsed(response, body)) as T;
}

/** Fetches a document with the caller's token and offers it as a file, since a plain link cannot carry the token. @throws ApiProblem */
export async function download(path: string, filename: string, token: string): Promise<void> {
  const response = await send("GET", path, { token, timeout: 60_000 });
  const file = await response.blob();
  // No document of ours is a page: somebody else has answered, e.g. a hotspot.
  if (file.type.startsWith("text/html")) throw problemFromFailure(new TypeError("a page in place of a document"));
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
  // Safari starts the download only after the click's task has ended.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
