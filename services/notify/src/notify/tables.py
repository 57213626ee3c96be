"""Tables of notify."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import instant
from notify.model import Context, Message


class Recipient(SQLModel, table=True):
    """Whom to write to about an appointment: later events name the appointment alone.

    `over` says that there will be no such appointment any more, `settled` that its matter is done or given up: nobody
    is reminded of it. `appointment` is what its newest event told (time, services, link), which reminders are written
    from. A `corrected_email` outlasts what other events say; `contact_generation` is that of the link which came with
    it, `contact_revision` tells corrections under one link apart. Who has `reminders_declined` is not reminded,
    whatever is planned; `reminders_revision` tells which choice was the latest. Of an erased one only the ids remain,
    so that nothing that arrives late is written to anybody.
    """

    __tablename__ = "recipient"
    __table_args__ = (Index("recipient_to_erase", "office", "ends_at", postgresql_where=text("erased_at IS NULL")),)

    appointment_id: UUID = Field(primary_key=True)
    office: str
    reference: str
    name: str
    email: str
    language: str
    time_zone: str | None = None
    link_generation: int = 0
    over: bool = False
    erased_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    phone: str | None = None
    plain_language: bool = False
    corrected_email: str | None = None
    contact_generation: int = 0
    contact_revision: int = 0
    appointment: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB))
    ends_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    settled: bool = False
    absence_told_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    reminders_declined: bool = False
    reminders_revision: int = 0

    @property
    def context(self) -> Context:
        """What a mail about the appointment as it is now needs to know; empty when that was never told."""
        return cast(Context, self.appointment or {})

    @property
    def correction(self) -> str | None:
        """The corrected address, as long as `email` is not newer: then it has come with a newer link."""
        newest = self.contact_generation >= self.link_generation
        return self.corrected_email if newest or not self.contact_generation else None

    @property
    def address(self) -> str:
        """Where mails go."""
        return self.correction or self.email


class Reminder(SQLModel, table=True):
    """A reminder that is not due yet. It goes when it becomes a message, or when the appointment moves or ends."""

    __tablename__ = "reminder"
    __table_args__ = (Index("ix_reminder_due_at", "due_at"),)

    id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(index=True)
    due_at: datetime = Field(sa_column=instant())
    valid_until: datetime = Field(sa_column=instant())


class MessageRow(SQLModel, table=True):
    """A message to send, and afterwards the log of its delivery."""

    __tablename__ = "message"
    __table_args__ = (Index("message_due", "next_try_at", postgresql_where=text("state = 'pending'")),)

    id: UUID = Field(primary_key=True)
    key: str = Field(unique=True)
    office: str
    appointment_id: UUID = Field(index=True)
    kind: str
    cause: UUID
    recipient: str
    language: str
    context: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    state: str = Field(default="pending")
    tries: int = 0
    next_try_at: datetime | None = Field(sa_column=instant(nullable=True))
    created_at: datetime = Field(sa_column=instant())
    settled_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    trouble: str | None = None
    valid_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    plain_language: bool = False
    channel: str = "mail"
    #: Whose claim it is, good while `next_try_at` is `claimed_until`. Without a name: of the version before.
    claimed_by: UUID | None = None
    claimed_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    #: What the event carried that it was queued for, see chassis.traces.
    carried: dict[str, str] | None = Field(default=None, sa_column=Column(JSONB))

    @property
    def message(self) -> Message:
        """The same, as the sender knows it."""
        return Message(**self.model_dump(include=set(Message.__dataclass_fields__)))
