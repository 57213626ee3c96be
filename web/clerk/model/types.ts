/** Shapes of this client's models, beside those of the wire in `$shared/api/types`. */
export type { ApplicationView, CaseSummary, CaseView, ClerkInfo, ClerkSession, Stage } from "$shared/api/types";
export type { Language, LocalisedText } from "$shared/i18n/language.svelte";

import type { Stage } from "$shared/api/types";

export const STAGES: readonly Stage[] = ["talk", "identity", "application", "signature", "payment", "done"];

/** One answer in a form. */
export type Value = string | number | boolean | null;
export type Values = Readonly<Record<string, Value>>;

export interface FormError {
  readonly field: string;
  readonly code: string;
}
