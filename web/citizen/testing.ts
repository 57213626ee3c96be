/** A service that answers what the test says, and remembers what it was asked. Shared by the tests of this client. */

import { vi } from "vitest";

import type { OfficeInfo, ServiceOffer } from "$shared/api/types";

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly key: string | null;
  readonly body: Record<string, unknown> | null;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class FakeService {
  readonly sent: Sent[] = [];
  /** In the order of the requests; a promise is an answer that takes its time. */
  answers: (Answer | Promise<Answer>)[] = [];

  constructor() {
    vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
      const request = typeof input === "string" ? new Request(new URL(input, "http://localhost"), init) : input;
      const text = await request.text();
      this.sent.push({
        method: request.method,
        path: new URL(request.url).pathname,
        key: request.headers.get("Idempotency-Key"),
        body: text ? (JSON.parse(text) as Record<string, unknown>) : null,
      });
      const answer = (await this.answers.shift()) ?? { status: 204, body: null };
      return new Response(answer.body === null ? null : JSON.stringify(answer.body), {
        status: answer.status,
        headers: answer.body === null ? {} : { "Content-Type": "application/json" },
      });
    });
  }

  /** The requests to paths that end so. */
  to(end: string): Sent[] {
    return this.sent.filter(({ path }) => path.endsWith(end));
  }
}

/** An answer that comes when the test says so. */
export function inFlight(): { readonly answer: Promise<Answer>; readonly arrive: (answer: Answer) => void } {
  let arrive: (answer: Answer) => void = () => undefined;
  const answer = new Promise<Answer>((resolve) => (arrive = resolve));
  return { answer, arrive };
}

export const ok = (body: unknown, status = 200): Answer => ({ status, body });
export const problem = (status: number, code: string, extra: object = {}): Answer => ({
  status,
  body: { code, status, title: code, detail: "", ...extra },
});

const text = (words: string): { de: string; en: string } => ({ de: words, en: words });

/** A service of the catalogue; the test names what matters to it. */
export function service(id: string, more: Partial<ServiceOffer> = {}): ServiceOffer {
  return {
    id,
    category: "certificates",
    name: text(id),
    summary: text(""),
    summary_plain: text(""),
    synonyms: { de: [], en: [] },
    minutes: 10,
    shared_minutes: 0,
    minutes_per_further_person: null,
    one_form: false,
    needs_identity: false,
    needs_signature: false,
    can_finish: text(""),
    cannot_finish: null,
    bring: [],
    questions: [],
    options: [],
    fees: [],
    ...more,
  };
}

export function office(...services: ServiceOffer[]): OfficeInfo {
  return { slug: "demo", time_zone: "Europe/Berlin", languages: ["de", "en"], closures: [], services } as unknown as OfficeInfo;
}

export const question = (id: string, blocks = false): ServiceOffer["questions"][number] => ({
  id,
  text: text(id),
  expected: true,
  otherwise: text(`not ${id}`),
  blocks,
  on_site: false,
});
