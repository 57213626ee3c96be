/** The record of an identity check while it is being made: what was seen, never how it looked. */

export const DOCUMENT_TYPES = ["identity_card", "passport", "residence_permit", "other"] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

/** What casework records of each check. */
export const CHECKS = ["photo_matches", "security_features", "not_expired", "data_matches"] as const;
export type Check = (typeof CHECKS)[number];

export interface IdentityForm {
  documentType: DocumentType;
  checks: Record<Check, boolean>;
  note: string;
}

export const EMPTY: IdentityForm = {
  documentType: "identity_card",
  checks: { photo_matches: false, security_features: false, not_expired: false, data_matches: false },
  note: "",
};

export const NOTE_LENGTH = 500;

export function allChecked(form: IdentityForm): boolean {
  return CHECKS.every((check) => form.checks[check]);
}

/** What still hinders this outcome. Whoever overrules a failed check, or refuses, says why. */
export function hindrance(form: IdentityForm, outcome: "verified" | "refused"): "note" | null {
  const explained = form.note.trim() !== "";
  if (outcome === "verified") return allChecked(form) || explained ? null : "note";
  return explained ? null : "note";
}
