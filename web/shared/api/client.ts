import createClient, { type Client } from "openapi-fetch";

import { exchangeJson } from "./http";
import { problemFromFailure } from "./problem";

/** A client whose paths, parameters and answers are those of a service's OpenAPI document. */
export function clientOf<Paths extends object>(): Client<Paths, `${string}/${string}`> {
  // Tests of single functions run without a page.
  const baseUrl = typeof window === "undefined" ? "http://localhost" : window.location.origin;
  return createClient<Paths>({ baseUrl, fetch: exchangeJson, cache: "no-store" });
}

/** The body of an answer that has one. Failures never come this far: `exchange` throws them. @throws ApiProblem */
export async function answer<T>(call: Promise<{ readonly data?: T }>): Promise<Exclude<T, undefined>> {
  const { data } = await call;
  if (data === undefined) throw problemFromFailure(new TypeError("an answer without a body"));
  return data as Exclude<T, undefined>;
}

/** Headers that say who asks. */
export function bearer(token: string): { readonly Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

/** The header that carries a proof, if there is one. */
export function proving(proof: string | null): { "Proof-Of-Work"?: string } {
  return proof === null ? {} : { "Proof-Of-Work": proof };
}
