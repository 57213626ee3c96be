import { learnServerTime } from "./clock";
import { problemFromFailure, problemFromResponse } from "./problem";

export interface RequestOptions {
  /** Bearer token: the citizen's link token or the clerk's access token. */
  readonly token?: string | null | undefined;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Makes a repeated write safe: the same key and body get the first answer again. See `idempotencyKey()`. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds until the request counts as `unreachable`. */
  readonly timeout?: number;
}

/** A fresh key for one intended write. Keep it while retrying the same write; take a new one for a new intent. */
export function idempotencyKey(): string {
  return crypto.randomUUID();
}

function address(path: string, query: RequestOptions["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of typeof value === "string" ? [value] : (value ?? [])) parameters.append(name, one);
  }
  const suffix = parameters.toString();
  return suffix ? `${path}?${suffix}` : path;
}

/** Sends a request to our own origin and returns the answer as it came. @throws ApiProblem on status >= 400 or no answer. */
export async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const headers = new Headers({ Accept: "application/json, application/problem+json" });
  if (options.token) headers.set("Authorization", `Bearer ${options.token}`);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  if (options.idempotencyKey) headers.set("Idempotency-Key", options.idempotencyKey);
  const timeout = AbortSignal.timeout(options.timeout ?? 20_000);
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      cache: "no-store",
    });
  } catch (cause) {
    // Whoever aborted on purpose wants to hear just that.
    if (options.signal?.aborted) throw cause;
    throw problemFromFailure(cause);
  }
  learnServerTime(response);
  if (!response.ok) throw await problemFromResponse(response);
  return response;
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
