/** One field the server refused, named by its JSON path. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
  /** Why, for programs; empty where there is only the message. */
  readonly code: string;
}

/**
 * What went wrong with a request, in the words of RFC 9457 (application/problem+json).
 *
 * `code` is stable and meant for programs (`slot_taken`, `link_expired`, ...). Three codes are ours, with status 0:
 * `offline` (this device has no network), `unreachable` (no answer came, not in time, not whole or not in a form that we
 * understand) and `aborted` (who asked wanted it no longer).
 */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly correlationId: string | null = null,
    /** Members that this kind of problem adds, e.g. `alternatives`. */
    readonly extra: Readonly<Record<string, unknown>> = {},
    /** Seconds after which it makes sense to try again, if the service says so (Retry-After). */
    readonly retryAfter: number | null = null,
  ) {
    super(`${status} ${code}: ${detail || title}`);
  }
}

/** Whether `error` is a problem with one of these codes. */
export function isProblem(error: unknown, ...codes: string[]): error is ApiProblem {
  return error instanceof ApiProblem && (codes.length === 0 || codes.includes(error.code));
}

const KNOWN = new Set(["type", "title", "status", "detail", "code", "errors", "correlation_id", "instance"]);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function seconds(header: string | null): number | null {
  return header !== null && /^\d+$/.test(header) ? Number(header) : null;
}

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((entry) => ({ field: text(entry["field"]), message: text(entry["message"]), code: text(entry["code"]) }));
}

/** The problem that an answer of status >= 400 describes; an answer that is no problem document still gets a code. */
export async function problemFromResponse(response: Response): Promise<ApiProblem> {
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    // A gateway's own error page is no JSON; the status says enough.
  }
  if (!isRecord(body)) {
    const code = response.status >= 502 && response.status <= 504 ? "unreachable" : `http_${response.status}`;
    return new ApiProblem(response.status, code, response.statusText, "");
  }
  return new ApiProblem(
    response.status,
    text(body["code"]) || `http_${response.status}`,
    text(body["title"]) || response.statusText,
    text(body["detail"]),
    fieldErrors(body["errors"]),
    text(body["correlation_id"]) || response.headers.get("X-Correlation-Id"),
    Object.fromEntries(Object.entries(body).filter(([key]) => !KNOWN.has(key))),
    seconds(response.headers.get("Retry-After")),
  );
}

/** The problem behind an answer that is none: no network here, nothing (whole) from there, or `aborted` by who asked. */
export function problemFromFailure(cause: unknown, aborted = false): ApiProblem {
  const offline = typeof navigator !== "undefined" && navigator.onLine === false;
  const problem = new ApiProblem(0, aborted ? "aborted" : offline ? "offline" : "unreachable", "No answer", String(cause));
  problem.cause = cause;
  return problem;
}
