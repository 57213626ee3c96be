"""The tables that every service has beside its own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def instant(*, nullable: bool = False) -> "Column[datetime]":
    """A timestamptz column."""
    return Column(DateTime(timezone=True), nullable=nullable)


class Outbox(SQLModel, table=True):
    """An event that was committed with the change it tells of; the relay forwards it and keeps it for replay."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_unpublished", "id", postgresql_where=text("published_at IS NULL")),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    event_id: UUID = Field(unique=True)
    subject: str
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=instant())
    published_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class Inbox(SQLModel, table=True):
    """An event whose effect is committed: the row lies in the effect's own transaction."""

    __tablename__ = "inbox"

    consumer: str = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    received_at: datetime = Field(sa_column=instant())


class IdempotentAnswer(SQLModel, table=True):
    """The answer to a write with an Idempotency-Key, given again to whoever repeats it."""

    __tablename__ = "idempotent_answers"

    scope: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: dict[str, object] | None = Field(default=None, sa_column=Column(JSONB))
    created_at: datetime = Field(sa_column=instant())
