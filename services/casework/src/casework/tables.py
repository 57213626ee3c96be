"""The tables of casework. What names or describes the citizen lies in tables of its own, so that erasing is deleting
rows: `person`, `identity_check`, `application_content`, `signature`. What remains then is a case without a person.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import instant


def _json(*, nullable: bool = False) -> "Column[Any]":
    return Column(JSONB(none_as_null=True), nullable=nullable)


def _of_case() -> "Column[UUID]":
    return Column(Uuid, ForeignKey("case_file.case_id"), primary_key=True)


def _of_application() -> "Column[UUID]":
    return Column(Uuid, ForeignKey("application.application_id"), primary_key=True)


class CaseRow(SQLModel, table=True):
    """One appointment's matter, without the person."""

    __tablename__ = "case_file"
    __table_args__ = (
        Index("case_file_agenda", "office", "starts_at"),
        CheckConstraint(
            "state IN ('open', 'in_progress', 'completed', 'aborted', 'cancelled')", name="case_file_state"
        ),
    )

    case_id: UUID = Field(primary_key=True)
    office: str
    appointment_id: UUID = Field(unique=True)
    reference: str
    language: str
    starts_at: datetime = Field(sa_column=instant())
    ends_at: datetime = Field(sa_column=instant())
    link_generation: int
    state: str
    stage: str
    revision: int
    clerk_id: UUID | None = None
    presence: str
    presence_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    waiting_since: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    technical_check: dict[str, Any] | None = Field(default=None, sa_column=_json(nullable=True))
    mail: str
    payment: dict[str, Any] = Field(sa_column=_json())
    opened_at: datetime = Field(sa_column=instant())
    ended_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    abort_reason: str | None = None
    needs: list[str] = Field(default_factory=list, sa_column=_json())
    moved_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    contact_revision: int = 0
    absence_told_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    erasure_requested_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    # The end of the audit chain: it shows when the newest entries are missing, and is where the next one hooks on.
    audit_length: int = 0
    audit_head: str


class PersonRow(SQLModel, table=True):
    """The citizen, as the booking named them."""

    __tablename__ = "person"

    case_id: UUID = Field(sa_column=_of_case())
    name: str
    email: str
    time_zone: str | None = None
    phone: str | None = None


class IdentityCheckRow(SQLModel, table=True):
    """What an identity check found: the kind of document and the results, never the document."""

    __tablename__ = "identity_check"

    case_id: UUID = Field(sa_column=_of_case())
    document_type: str
    photo_matches: bool
    security_features: bool
    not_expired: bool
    data_matches: bool
    outcome: str
    note: str
    clerk_id: UUID
    checked_at: datetime = Field(sa_column=instant())


class ApplicationRow(SQLModel, table=True):
    """One application, without its content."""

    __tablename__ = "application"
    __table_args__ = (UniqueConstraint("case_id", "position", name="application_position"),)

    application_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(foreign_key="case_file.case_id")
    position: int
    service_id: str
    person: int | None = None
    persons: int = 1
    needs_identity: bool
    needs_signature: bool
    revision: int
    fee_cents: int
    document_hash: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    signed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class ContentRow(SQLModel, table=True):
    """What the citizen applies for, in their words."""

    __tablename__ = "application_content"

    application_id: UUID = Field(sa_column=_of_application())
    entries: dict[str, Any] = Field(sa_column=_json())
    errors: list[dict[str, str]] = Field(sa_column=_json())
    document: dict[str, Any] | None = Field(default=None, sa_column=_json(nullable=True))


class SignatureRow(SQLModel, table=True):
    """A signature in its canonical form: biometric data where it was drawn."""

    __tablename__ = "signature"

    application_id: UUID = Field(sa_column=_of_application())
    canonical: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditRow(SQLModel, table=True):
    """An entry of the audit trail. The database refuses to change or delete one."""

    __tablename__ = "audit_entry"

    case_id: UUID = Field(sa_column=_of_case())
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_column=instant())
    actor: str
    action: str
    detail: dict[str, str] = Field(sa_column=_json())
    previous: str
    hash: str


class ParkedEvent(SQLModel, table=True):
    """An event that overtook the booking of its appointment; applied as soon as the case opens."""

    __tablename__ = "parked_event"
    __table_args__ = (Index("parked_event_appointment", "appointment_id"),)

    event_id: UUID = Field(primary_key=True)
    appointment_id: UUID
    subject: str
    headers: dict[str, str] = Field(sa_column=_json())
    body: dict[str, Any] = Field(sa_column=_json())
    received_at: datetime = Field(sa_column=instant())


class ClerkRow(SQLModel, table=True):
    """A clerk's account. `username` is lower case."""

    __tablename__ = "clerk"
    __table_args__ = (UniqueConstraint("office", "username", name="clerk_username"),)

    clerk_id: UUID = Field(primary_key=True)
    office: str
    username: str
    name: str
    role: str
    password_hash: str
    active: bool = True


class SessionRow(SQLModel, table=True):
    """A sign-in. Of the refresh tokens only hashes are kept: the newest, and the one before."""

    __tablename__ = "clerk_session"

    session_id: UUID = Field(primary_key=True)
    clerk_id: UUID = Field(foreign_key="clerk.clerk_id", index=True)
    token_hash: str = Field(unique=True)
    previous_hash: str | None = Field(default=None, index=True)
    created_at: datetime = Field(sa_column=instant())
    rotated_at: datetime = Field(sa_column=instant())
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class AttemptRow(SQLModel, table=True):
    """How often a sign-in was tried lately. `bucket` is a hash: what is typed as a name may be a password."""

    __tablename__ = "sign_in_attempt"

    bucket: str = Field(primary_key=True)
    tries: int
    until: datetime = Field(sa_column=instant())
