"""Events of the casework service. They name facts, never the content of an application."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.base import AppointmentEvent, Cents, Event, Instant, Part
from contracts.booking import CitizenContact
from contracts.ids import ApplicationId, CaseId, ClerkId, ServiceId
from contracts.text import Language, Localised

#: What the citizen's screen shows now; decided by the clerk.
Stage = Literal["talk", "identity", "application", "signature", "payment", "done"]
#: Why a matter could not be finished in the call.
AbortReason = Literal[
    "citizen_absent", "identity_refused", "technical", "not_possible_by_call", "citizen_wish", "other"
]
#: SHA-256 of the canonical JSON of the document that was shown, lower-case hex.
DocumentHash = Field(pattern=r"^[0-9a-f]{64}$")


class CaseOpened(AppointmentEvent):
    """A case exists for the appointment."""

    SUBJECT: ClassVar[str] = "casework.case_opened.v1"

    case_id: CaseId


class StageChanged(AppointmentEvent):
    """What the room shows changed: the stage itself, or its content. Whoever shows it reads the case anew."""

    SUBJECT: ClassVar[str] = "casework.stage_changed.v1"

    case_id: CaseId
    stage: Stage
    revision: int = Field(ge=0, description="Rises with every change of the case; an older one is stale.")


class ApplicationConfirmed(AppointmentEvent):
    """The citizen confirmed exactly this document."""

    SUBJECT: ClassVar[str] = "casework.application_confirmed.v1"

    case_id: CaseId
    application_id: ApplicationId
    document_hash: str = DocumentHash
    confirmed_at: Instant


class Signed(AppointmentEvent):
    """The citizen signed exactly this document."""

    SUBJECT: ClassVar[str] = "casework.signed.v1"

    case_id: CaseId
    application_id: ApplicationId
    document_hash: str = DocumentHash
    method: Literal["drawn", "typed"]
    signed_at: Instant


class PaymentItem(Part):
    """One line of what is to be paid."""

    service_id: ServiceId
    text: Localised
    amount_cents: Cents


class PaymentRequested(AppointmentEvent):
    """The clerk asks for the fee. payment opens an order for it; one per case, a second request is the same one."""

    SUBJECT: ClassVar[str] = "casework.payment_requested.v1"

    case_id: CaseId
    reference: str
    items: tuple[PaymentItem, ...]
    amount_cents: Cents
    currency: Literal["EUR"] = "EUR"
    language: Language


class CaseCompleted(AppointmentEvent):
    """The matter is finished: payment captures, notify says goodbye, the room closes."""

    SUBJECT: ClassVar[str] = "casework.case_completed.v1"

    case_id: CaseId
    reference: str
    services: tuple[ServiceId, ...]
    citizen: CitizenContact
    amount_cents: Cents
    currency: Literal["EUR"] = "EUR"
    completed_at: Instant


class CaseAborted(AppointmentEvent):
    """The matter could not be finished in this call: payment voids what was authorised, the room closes."""

    SUBJECT: ClassVar[str] = "casework.case_aborted.v1"

    case_id: CaseId
    reason: AbortReason
    aborted_at: Instant


class SessionsEnded(Event):
    """A clerk is signed out: by themselves, by a closed account, a new password, or a copied cookie.

    Access tokens of these sign-ins (`sid`) are good for nothing any more, and what was opened with them ends.
    """

    SUBJECT: ClassVar[str] = "casework.sessions_ended.v1"

    clerk_id: ClerkId
    sessions: tuple[UUID, ...] = Field(min_length=1)
    at: Instant
