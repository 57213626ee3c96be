"""Cases as clients see them: the clerk's agenda and workspace, and what the citizen may know."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from casework.applications.views import ApplicationView, Text, application_view
from casework.cases.audit import Entry
from casework.cases.identity import DocumentType, IdentityCheck
from casework.cases.model import Case, MailState, Presence, State
from casework.cases.payment import Payment, PaymentState
from casework.directory import Directory
from chassis.database import Row
from chassis.http import Body
from contracts.actors import Clerk
from contracts.base import Instant
from contracts.booking import Need
from contracts.casework import AbortReason, Stage
from contracts.text import Language, Localised


class ServiceName(BaseModel):
    """A booked service, and for how many people."""

    service_id: str
    name: Localised
    persons: int


class ClerkName(BaseModel):
    """The clerk who has a case."""

    clerk_id: UUID
    name: str


class TechnicalCheck(BaseModel):
    """What the citizen's last technical check found."""

    outcome: Literal["good", "limited", "failed"]
    rtt_ms: int | None = None
    camera: bool
    microphone: bool
    network: bool
    at: Instant


class CaseSummary(BaseModel):
    """A line of the agenda."""

    case_id: UUID
    appointment_id: UUID
    reference: str
    starts_at: Instant
    ends_at: Instant
    citizen_name: str | None
    language: Language
    services: list[ServiceName]
    needs: list[Need]
    state: State
    stage: Stage
    clerk: ClerkName | None
    presence: Presence
    waiting_since: Instant | None
    technical_check: TechnicalCheck | None
    mail: MailState


class AgendaView(BaseModel):
    """The cases of one day in the office's calendar."""

    date: date
    time_zone: str
    cases: list[CaseSummary]


class IdentityChecks(Body):
    """What the clerk compared."""

    photo_matches: StrictBool
    security_features: StrictBool
    not_expired: StrictBool
    data_matches: StrictBool


class RecordIdentityCheck(Body):
    """The record of an identity check: never an image."""

    document_type: DocumentType
    checks: IdentityChecks
    outcome: Literal["verified", "refused"]
    note: Annotated[Text, Field(max_length=500)] = ""


class IdentityCheckView(BaseModel):
    """A recorded identity check."""

    document_type: DocumentType
    checks: IdentityChecks
    outcome: Literal["verified", "refused"]
    note: str
    checked_at: Instant
    clerk_name: str | None


class PaymentItemView(BaseModel):
    """One line of what is to be paid."""

    service_id: str
    text: Localised
    amount_cents: int


class PaymentView(BaseModel):
    """How far the payment has come. Before it is asked for, the amount is what the applications add up to."""

    state: PaymentState
    amount_cents: int
    currency: str
    items: list[PaymentItemView]
    receipt_number: str | None


class AuditView(BaseModel):
    """An entry of the audit trail. `actor` is a clerk's name, "citizen" or "system"."""

    at: Instant
    actor: str
    action: str
    detail: dict[str, str]


class CaseView(CaseSummary):
    """A case as its clerk works on it."""

    revision: int
    email: str | None
    phone: str | None
    identity_check: IdentityCheckView | None
    applications: list[ApplicationView]
    payment: PaymentView
    allowed_actions: list[str]
    abort_reason: str | None
    audit: list[AuditView]


class CitizenCaseView(BaseModel):
    """A case as its citizen sees it."""

    case_id: UUID
    office: str
    reference: str
    state: State
    stage: Stage
    revision: int
    language: Language
    clerk_name: str | None
    identity_check: Literal["pending", "done", "refused"]
    applications: list[ApplicationView]
    payment: PaymentView


class ShowStage(Body):
    """The stage to show."""

    stage: Stage


class Abortion(Body):
    """Why a case ends without a result."""

    reason: AbortReason


def agenda_view(directory: Directory, office: str, day: date, rows: Sequence[Row]) -> AgendaView:
    """The agenda of one day."""
    cases = [_summary_of_row(directory, row) for row in rows]
    return AgendaView(date=day, time_zone=directory.office(office).time_zone, cases=cases)


def case_view(
    directory: Directory, case: Case, trail: Sequence[Entry], names: Mapping[UUID, str], clerk: Clerk
) -> CaseView:
    """`case` for `clerk`; `names` are those of the clerks in it."""
    return CaseView(
        case_id=case.case_id,
        appointment_id=case.appointment_id,
        reference=case.reference,
        starts_at=case.starts_at,
        ends_at=case.ends_at,
        citizen_name=case.person.name if case.person else None,
        language=case.language,
        services=_services(
            directory, [(each.service_id, each.persons) for each in case.applications if each.person in (None, 1)]
        ),
        needs=list(case.needs),
        state=case.state,
        stage=case.stage,
        clerk=_clerk_name(case.clerk_id, names),
        presence=case.presence,
        waiting_since=case.waiting_since,
        technical_check=TechnicalCheck.model_validate(case.technical_check) if case.technical_check else None,
        mail=case.mail,
        revision=case.revision,
        email=case.person.email if case.person else None,
        phone=case.person.phone if case.person else None,
        identity_check=_identity_view(case.identity_check, names) if case.identity_check else None,
        applications=[application_view(directory, application) for application in case.applications],
        payment=_payment_view(case.payment, case.fee_cents),
        allowed_actions=case.allowed_actions(clerk),
        abort_reason=case.abort_reason,
        audit=[
            AuditView(at=entry.at, actor=_actor(entry.actor, names), action=entry.action, detail=dict(entry.detail))
            for entry in trail
        ],
    )


def citizen_view(directory: Directory, case: Case, clerk_name: str | None) -> CitizenCaseView:
    """`case` for its citizen: without the trail, and without what the clerk noted."""
    check = case.identity_check
    return CitizenCaseView(
        case_id=case.case_id,
        office=case.office,
        reference=case.reference,
        state=case.state,
        stage=case.stage,
        revision=case.revision,
        language=case.language,
        clerk_name=clerk_name,
        identity_check="pending" if check is None else "done" if check.outcome == "verified" else "refused",
        applications=[application_view(directory, application) for application in case.applications],
        payment=_payment_view(case.payment, case.fee_cents),
    )


def _summary_of_row(directory: Directory, row: Row) -> CaseSummary:
    fields: dict[str, Any] = {name: row[name] for name in CaseSummary.model_fields if name in row}
    clerk_id: UUID | None = row["clerk_id"]
    names = {clerk_id: row["clerk_name"]} if clerk_id and row["clerk_name"] else {}
    return CaseSummary(
        **fields,
        services=_services(directory, row["booked_services"] or []),
        clerk=_clerk_name(clerk_id, names),
    )


def _services(directory: Directory, booked: Sequence[tuple[str, int]]) -> list[ServiceName]:
    return [
        ServiceName(service_id=each, name=directory.service(each).name, persons=persons) for each, persons in booked
    ]


def _clerk_name(clerk_id: UUID | None, names: Mapping[UUID, str]) -> ClerkName | None:
    return ClerkName(clerk_id=clerk_id, name=names.get(clerk_id, "")) if clerk_id else None


def _identity_view(check: IdentityCheck, names: Mapping[UUID, str]) -> IdentityCheckView:
    return IdentityCheckView(
        document_type=check.document_type,
        checks=IdentityChecks(
            photo_matches=check.photo_matches,
            security_features=check.security_features,
            not_expired=check.not_expired,
            data_matches=check.data_matches,
        ),
        outcome=check.outcome,
        note=check.note,
        checked_at=check.checked_at,
        clerk_name=names.get(check.clerk_id),
    )


def _payment_view(payment: Payment, fee_cents: int) -> PaymentView:
    return PaymentView(
        state=payment.state,
        amount_cents=payment.amount_cents if payment.state != "none" else fee_cents,
        currency=payment.currency,
        items=[PaymentItemView.model_validate(item) for item in payment.items],
        receipt_number=payment.receipt_number,
    )


def _actor(actor: str, names: Mapping[UUID, str]) -> str:
    kind, _, clerk_id = actor.partition(":")
    return names.get(UUID(clerk_id), actor) if kind == "clerk" else actor
