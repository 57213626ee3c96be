/** What the citizen sees of an application while the clerk types, and when it can be confirmed. */

import type { ApplicationView } from "$shared/api/types";
import type { LiveField } from "$shared/call";
import { documentHash } from "$shared/document/canonical";
import type { Language, LocalisedText } from "$shared/i18n/language.svelte";

type Value = LiveField["value"];

interface FieldSchema {
  readonly format?: string;
  readonly oneOf?: readonly { readonly const: Value; readonly "x-label"?: LocalisedText }[];
  readonly "x-label"?: LocalisedText;
  readonly "x-order"?: number;
}

export interface LiveRow {
  readonly key: string;
  readonly label: string;
  /** Null while nothing is filled in. */
  readonly text: string | null;
  /** Typed a moment ago and not saved yet. */
  readonly live: boolean;
}

const LOCALES: Record<Language, string> = { de: "de-DE", en: "en-GB" };
/** A keystroke older than this when a saved version comes is part of that version. */
const SETTLED_MS = 1500;

function textOf(schema: FieldSchema, value: unknown, language: Language, yesNo: readonly [string, string]): string | null {
  if (value === undefined || value === null || value === "") return null;
  const choice = schema.oneOf?.find((one) => one.const === value)?.["x-label"];
  if (choice) return choice[language];
  if (typeof value === "boolean") return value ? yesNo[0] : yesNo[1];
  if (schema.format === "date" && /^\d{4}-\d{2}-\d{2}$/.test(String(value))) {
    return new Intl.DateTimeFormat(LOCALES[language], { dateStyle: "long", timeZone: "UTC" }).format(new Date(`${String(value)}T00:00:00Z`));
  }
  return String(value);
}

/** Keystrokes of the clerk that are not saved yet, per application and field. */
export class LiveFields {
  readonly #typed = new Map<string, Map<string, { value: Value; at: number }>>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  type(field: Pick<LiveField, "application_id" | "key" | "value">): void {
    const fields = this.#typed.get(field.application_id) ?? new Map<string, { value: Value; at: number }>();
    fields.set(field.key, { value: field.value, at: this.now() });
    this.#typed.set(field.application_id, fields);
  }

  /** A saved version came: what it contains, or what was typed well before it, is no longer live. */
  saved(application: Pick<ApplicationView, "application_id" | "values">): void {
    const fields = this.#typed.get(application.application_id);
    if (!fields) return;
    for (const [key, { value, at }] of fields) {
      const same = (application.values[key] ?? "") === (value ?? "");
      if (same || this.now() - at > SETTLED_MS) fields.delete(key);
    }
  }

  of(applicationId: string): ReadonlyMap<string, Value> {
    return new Map([...(this.#typed.get(applicationId) ?? [])].map(([key, { value }]) => [key, value]));
  }
}

/** The form as rows, saved values overlaid with live ones: filled fields, and required ones still open. */
export function liveRows(
  application: Pick<ApplicationView, "form" | "values">,
  live: ReadonlyMap<string, Value>,
  language: Language,
  yesNo: readonly [string, string],
): LiveRow[] {
  const properties = (application.form["properties"] ?? {}) as Record<string, FieldSchema>;
  const required = new Set((application.form["required"] ?? []) as string[]);
  return Object.entries(properties)
    .sort(([, one], [, other]) => (one["x-order"] ?? 1000) - (other["x-order"] ?? 1000))
    .map(([key, schema]) => {
      const value = live.has(key) ? live.get(key) : application.values[key];
      return {
        key,
        label: schema["x-label"]?.[language] ?? key,
        text: textOf(schema, value, language, yesNo),
        live: live.has(key) && (application.values[key] ?? "") !== (live.get(key) ?? ""),
      };
    })
    .filter((row) => row.text !== null || row.live || required.has(row.key));
}

export type Confirmability = "filling" | "ready" | "confirmed" | "mismatch";

/**
 * Whether what is displayed can be confirmed. The hash is computed here from the document this page draws, never taken
 * from the server: a confirmation must be for what the citizen saw.
 */
export async function confirmability(application: ApplicationView, liveCount: number): Promise<Confirmability> {
  if (!application.document || liveCount > 0) return "filling";
  const shown = await documentHash(application.document).catch(() => null);
  if (shown === null || shown !== application.document_hash) return "mismatch";
  return application.confirmed_at ? "confirmed" : "ready";
}
