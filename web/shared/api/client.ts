import createClient, { type Client } from "openapi-fetch";

import { exchange } from "./http";

/** A client whose paths, parameters and answers are those of a service's OpenAPI document. */
export function clientOf<Paths extends object>(): Client<Paths, `${string}/${string}`> {
  // Tests of single functions run without a page.
  const baseUrl = typeof window === "undefined" ? "http://localhost" : window.location.origin;
  return createClient<Paths>({ baseUrl, fetch: exchange, cache: "no-store" });
}

/** The body of an answer. Failures never come this far: `exchange` throws them as ApiProblem. */
export async function answer<T>(call: Promise<{ readonly data?: T }>): Promise<Exclude<T, undefined>> {
  return (await call).data as Exclude<T, undefined>;
}

/** Headers that say who asks. */
export function bearer(token: string): { readonly Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}
