/**
 * The words of the services as the clients use them: names for what is generated from OpenAPI, and the few shapes that
 * OpenAPI does not know. Times are UTC ISO 8601, money is integer cents.
 */
import type { Language } from "$shared/i18n/language.svelte";
import type { components as BookingComponents } from "./generated/booking";
import type { components as CaseworkComponents } from "./generated/casework";
import type { components as PaymentComponents } from "./generated/payment";
import type { components as SignalingComponents } from "./generated/signaling";

type Booking = BookingComponents["schemas"];
type Casework = CaseworkComponents["schemas"];
type Payment = PaymentComponents["schemas"];
type Signaling = SignalingComponents["schemas"];

// ---- booking

export type OfficeSummary = Booking["OfficeSummary"];
export type OfficeInfo = Booking["OfficeView"];
export type ServiceOffer = Booking["ServiceView"];
export type Category = ServiceOffer["category"];
export type Question = Booking["Question"];
export type Closure = OfficeInfo["closures"][number];
export type Weekday = Booking["OpeningHoursView"]["weekday"];
export type Slot = Booking["SlotView"];
export type Slots = Booking["SlotsView"];
export type Hold = Booking["HoldView"];
export type Need = AppointmentView["needs"][number];
/** A service, its options and for how many people, as a booking names it. */
export type BookedService = Required<Booking["ChosenService"]>;
export type NewAppointment = Booking["AppointmentRequest"];
/** Who comes, and how to reach them. */
export type Contact = Pick<NewAppointment, "name" | "email" | "phone" | "language" | "time_zone" | "plain_language"> & { needs: Need[] };
export type NewContact = Booking["ContactRequest"];
export type BookedAppointment = Booking["BookedView"];
export type AppointmentView = Booking["AppointmentView"];
export type NewWaiting = Booking["WaitingRequest"];
export type WaitingEntry = Booking["EntryView"];
export type ListedView = Booking["ListedView"];
export type ReservationView = Booking["ReservationView"];
export type ConfirmationView = Booking["ConfirmationView"];
export type OfferView = Booking["OfferView"];
export type WalkInState = Booking["WalkInView"];
export type NewWalkIn = Booking["WalkInRequest"];
export type WalkInTicket = Booking["TicketView"];
export type WalkInPresence = Booking["PresenceView"];

// ---- signaling

/** With ICE servers as RTCPeerConnection takes them. */
export type Ticket = Omit<Signaling["Ticket"], "ice_servers"> & { readonly ice_servers: RTCIceServer[] };
export type CheckResult = Signaling["CheckResult"];
/** What the technical check's own process answers to an offer. */
export interface CheckAnswer {
  readonly check_id: string;
  readonly sdp: string;
}

// ---- casework

export type ClerkInfo = Casework["ClerkView"];
export type ClerkSession = Casework["SessionView"];
export type CaseSummary = Casework["CaseSummary"];
export type Stage = CaseSummary["stage"];
export type CaseState = CaseSummary["state"];
export type Agenda = Casework["AgendaView"];
export type CasePayment = Casework["PaymentView"];
export type PaymentItem = Casework["PaymentItemView"];
export type IdentityCheck = Omit<Casework["RecordIdentityCheck"], "note"> & { readonly note?: string };
export type IdentityCheckView = Casework["IdentityCheckView"];
export type AuditEntry = Casework["AuditView"];
export type AbortReason = Casework["Abortion"]["reason"];
export type FieldValues = Casework["SaveApplication"]["values"];
/** Its points are plain arrays here: the strokes come out of arithmetic, and the server counts to four itself. */
export type SignatureSubmission = Omit<Casework["SignDocument"], "signature"> & {
  readonly signature: Omit<Casework["CanonicalSignature"], "strokes"> & { readonly strokes: readonly (readonly (readonly number[])[])[] };
};
/** A signature as its points, never as a foreign drawing. Each point: x, y, milliseconds, pressure from 0 to 1000. */
export type SignatureView = Casework["SignatureView"];

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
export type ApplicationView = Omit<Casework["ApplicationView"], "document"> & { readonly document: ApplicationDocument | null };
export type CaseView = Omit<Casework["CaseView"], "applications"> & { readonly applications: readonly ApplicationView[] };
export type CitizenCaseView = Omit<Casework["CitizenCaseView"], "applications"> & { readonly applications: readonly ApplicationView[] };

// ---- payment

export type PaymentOrder = Payment["OrderView"];
export type PaymentApproval = Payment["ApprovalView"];
