/** What the services send and take. Field names are the wire's. Times are UTC ISO 8601, money is integer cents. */
import type { Language, LocalisedText } from "$shared/i18n/language.svelte";

// ---- booking

/** Asked before booking; the unexpected answer says honestly what to do instead. */
export interface Question {
  readonly id: string;
  readonly text: LocalisedText;
  readonly expected: boolean;
  readonly otherwise: LocalisedText;
}
/** Chosen at booking; `id` is the field of the application that it fills in. */
export interface ServiceOption {
  readonly id: string;
  readonly name: LocalisedText;
  readonly choices: readonly { readonly id: string; readonly name: LocalisedText }[];
}
/** One of the fees that may apply; the call decides which. */
export interface Fee {
  readonly text: LocalisedText;
  readonly amount_cents: number;
}
export interface ServiceOffer {
  readonly id: string;
  readonly name: LocalisedText;
  readonly summary: LocalisedText;
  readonly minutes: number;
  readonly can_finish: LocalisedText;
  readonly cannot_finish: LocalisedText | null;
  readonly bring: readonly LocalisedText[];
  readonly questions: readonly Question[];
  readonly options: readonly ServiceOption[];
  readonly fees: readonly Fee[];
}
export interface OfficeSummary {
  readonly slug: string;
  readonly name: LocalisedText;
}
export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
export interface OfficeInfo extends OfficeSummary {
  readonly time_zone: string;
  readonly languages: readonly Language[];
  readonly contact: {
    readonly address: readonly string[];
    readonly email: string;
    readonly phone: string;
    readonly website: string | null;
    readonly imprint: string | null;
    readonly privacy: string | null;
  };
  readonly branding: { readonly accent: string; readonly official_website: boolean };
  readonly opening_hours: readonly { readonly weekday: Weekday; readonly opens: string; readonly closes: string }[];
  readonly booking: { readonly horizon_days: number; readonly join_early_minutes: number };
  readonly retention: {
    readonly appointment_days: number;
    readonly file_days: number;
    readonly case_days: number;
    readonly payment_years: number;
  };
  readonly services: readonly ServiceOffer[];
}
export interface Slot {
  readonly starts_at: string;
  readonly ends_at: string;
}
export interface Slots {
  readonly time_zone: string;
  readonly minutes: number;
  readonly slots: readonly Slot[];
}
export interface Hold extends Slot {
  readonly hold_id: string;
  readonly expires_at: string;
}
export interface BookedService {
  readonly service_id: string;
  readonly options: Readonly<Record<string, string>>;
}
export interface NewAppointment {
  readonly services: readonly BookedService[];
  readonly starts_at: string;
  readonly hold_id?: string;
  readonly name: string;
  readonly email: string;
  readonly language: Language;
  readonly time_zone?: string;
}
export interface BookedAppointment extends Slot {
  readonly appointment_id: string;
  readonly reference: string;
  readonly link: string;
}
export interface AppointmentView extends Slot {
  readonly appointment_id: string;
  readonly office: string;
  readonly reference: string;
  readonly state: "booked" | "cancelled" | "completed" | "aborted";
  readonly services: readonly (BookedService & { readonly name: LocalisedText | null })[];
  readonly name: string;
  readonly email: string;
  readonly language: Language;
  readonly cancellable: boolean;
  readonly joinable_from: string;
}

// ---- signaling

export interface Ticket {
  readonly ticket: string;
  readonly expires_at: string;
  readonly role: "citizen" | "clerk";
  readonly ice_servers: RTCIceServer[];
}
export interface CheckAnswer {
  readonly check_id: string;
  readonly sdp: string;
}
export interface CheckResult {
  readonly outcome: "good" | "limited" | "failed";
  readonly rtt_ms: number | null;
  readonly camera: boolean;
  readonly microphone: boolean;
  readonly network: boolean;
}

// ---- casework

export type Stage = "talk" | "identity" | "application" | "signature" | "payment" | "done";

export interface ClerkInfo {
  readonly clerk_id: string;
  readonly name: string;
  readonly role: "clerk" | "lead" | "admin";
  readonly office: string;
}
export interface ClerkSession {
  readonly access_token: string;
  readonly expires_at: string;
  readonly clerk: ClerkInfo;
}
export interface DocumentRow {
  readonly key: string;
  readonly label: string;
  readonly value: string | number | boolean | null;
  readonly text: string;
}
/** The document a citizen confirms and signs; its hash is over exactly this. */
export interface ApplicationDocument {
  readonly schalter: "document/1";
  readonly office: string;
  readonly appointment_id: string;
  readonly reference: string;
  readonly service_id: string;
  readonly title: string;
  readonly language: Language;
  readonly rows: readonly DocumentRow[];
  readonly fee_cents: number;
  readonly statement: string;
}
export interface ApplicationView {
  readonly application_id: string;
  readonly service_id: string;
  readonly form: Readonly<Record<string, unknown>>;
  readonly values: Readonly<Record<string, unknown>>;
  readonly revision: number;
  readonly errors: readonly { readonly field: string; readonly code: string }[];
  readonly document: ApplicationDocument | null;
  readonly document_hash: string | null;
  readonly confirmed_at: string | null;
  readonly signed_at: string | null;
  readonly needs_signature: boolean;
  readonly fee_cents: number;
}
export interface PaymentItem {
  readonly label: LocalisedText;
  readonly amount_cents: number;
}
export interface CasePayment {
  readonly state: "none" | "requested" | "authorised" | "captured" | "failed" | "voided";
  readonly amount_cents: number;
  readonly currency: string;
  readonly items: readonly PaymentItem[];
}
export type CaseState = "open" | "in_progress" | "completed" | "aborted" | "cancelled";
export interface CaseSummary extends Slot {
  readonly case_id: string;
  readonly appointment_id: string;
  readonly reference: string;
  readonly citizen_name: string;
  readonly language: Language;
  readonly services: readonly { readonly service_id: string; readonly name: LocalisedText }[];
  readonly state: CaseState;
  readonly stage: Stage;
  readonly clerk: { readonly clerk_id: string; readonly name: string } | null;
  readonly presence: "absent" | "waiting" | "in_call";
  readonly waiting_since: string | null;
  readonly technical_check: CheckResult | null;
  readonly mail: "pending" | "delivered" | "failed";
}
export interface IdentityCheck {
  readonly document_type: string;
  readonly checks: Readonly<Record<string, boolean>>;
  readonly outcome: string;
  readonly note?: string | null;
}
export interface AuditEntry {
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly detail: unknown;
}
export interface CaseView extends CaseSummary {
  readonly revision: number;
  readonly identity_check: IdentityCheck | null;
  readonly applications: readonly ApplicationView[];
  readonly payment: CasePayment;
  readonly allowed_actions: readonly string[];
  readonly audit: readonly AuditEntry[];
}
export interface Agenda {
  readonly date: string;
  readonly time_zone: string;
  readonly cases: readonly CaseSummary[];
}
export interface CitizenCaseView {
  readonly case_id: string;
  readonly office: string;
  readonly reference: string;
  readonly stage: Stage;
  readonly revision: number;
  readonly clerk_name: string | null;
  readonly language: Language;
  readonly applications: readonly ApplicationView[];
  readonly payment: CasePayment;
  readonly identity_check: "done" | "pending";
  readonly state: CaseState;
}
export interface SignatureSubmission {
  readonly document_hash: string;
  readonly signature: Readonly<Record<string, unknown>>;
  readonly svg: string;
  readonly method: "drawn" | "typed";
}

// ---- payment

export interface PaymentOrder {
  readonly order_id: string;
  readonly state: "requested" | "approval_pending" | "authorised" | "captured" | "failed" | "voided";
  readonly amount_cents: number;
  readonly currency: string;
  readonly items: readonly PaymentItem[];
  readonly provider: string;
}
