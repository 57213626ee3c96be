"""Tables of notify."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import instant


class Recipient(SQLModel, table=True):
    """Whom to write to about an appointment: later events name the appointment alone.

    `over` says that there will be no such appointment any more. Of an erased one only the ids remain, so that nothing
    that arrives late is written to anybody.
    """

    __tablename__ = "recipient"

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
