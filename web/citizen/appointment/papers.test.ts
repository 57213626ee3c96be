import { describe, expect, it } from "vitest";

import type { CitizenCaseView, OfficeInfo } from "$shared/api/types";
import { imminent } from "./model";
import { over, papersOf, stillToDo } from "./papers";

const document = { title: "Führungszeugnis" };
const view = (more: object = {}): CitizenCaseView =>
  ({
    reference: "DE-7K3M9Q",
    state: "completed",
    payment: { amount_cents: 1300 },
    applications: [{ application_id: "a1", service_id: "fuehrungszeugnis", document }],
    ...more,
  }) as unknown as CitizenCaseView;
const office = {
  services: [
    { id: "personalausweis", cannot_finish: { de: "Ein Besuch ist nötig.", en: "A visit is needed." } },
    { id: "fuehrungszeugnis", cannot_finish: null },
  ],
} as unknown as OfficeInfo;

describe("what a citizen has after the call", () => {
  it("is the receipt and every application", () => {
    expect(papersOf(view()).map(({ kind, file }) => [kind, file])).toEqual([
      ["receipt", "DE-7K3M9Q.pdf"],
      ["application", "DE-7K3M9Q-fuehrungszeugnis.pdf"],
    ]);
  });

  it("has no receipt where nothing was paid, and nothing before the end", () => {
    expect(papersOf(view({ payment: { amount_cents: 0 } })).map(({ kind }) => kind)).toEqual(["application"]);
    expect(papersOf(view({ state: "open" }))).toEqual([]);
    expect(papersOf(view({ state: "aborted" }))).toEqual([]);
  });

  it("says what the call could not finish, each once, and nothing where it could", () => {
    expect(stillToDo([{ service_id: "personalausweis" }, { service_id: "personalausweis" }], office)).toEqual(["Ein Besuch ist nötig."]);
    expect(stillToDo([{ service_id: "fuehrungszeugnis" }, { service_id: "gone" }], office)).toEqual([]);
  });
});

describe("an appointment", () => {
  it("leads to a call only while it stands", () => {
    expect((["booked", "cancelled", "completed", "aborted", "no_show"] as const).map((state) => over({ state }))).toEqual([
      null,
      "cancelled",
      "completed",
      "aborted",
      "missed",
    ]);
  });
});

it("is about to begin within the hour and while it runs, not a week ahead", () => {
  const at = (minutes: number): boolean => imminent({ state: "booked", starts_at: "2026-12-01T09:00:00Z" }, Date.parse("2026-12-01T09:00:00Z") + minutes * 60_000);
  expect([at(-7 * 24 * 60), at(-61), at(-60), at(10)]).toEqual([false, false, true, true]);
});
