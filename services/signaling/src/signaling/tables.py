"""Tables: what must outlast Redis. No names, no addresses, nothing that was said or shown."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from chassis.tables import instant


class RoomRow(SQLModel, table=True):
    """The room of one appointment, known from booking's events."""

    __tablename__ = "rooms"

    appointment_id: UUID = Field(primary_key=True)
    office: str
    starts_at: datetime = Field(sa_column=instant())
    ends_at: datetime = Field(sa_column=instant())
    link_generation: int
    state: str
    stage: str | None = None
    revision: int | None = None
    absence_told_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    admitted_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class ParticipantRow(SQLModel, table=True):
    """Somebody who is in a room, or was within the grace of a reconnect: their leaving is still to be told."""

    __tablename__ = "participants"
    __table_args__ = (Index("participants_by_office", "office"),)

    appointment_id: UUID = Field(primary_key=True, foreign_key="rooms.appointment_id", ondelete="CASCADE")
    role: str = Field(primary_key=True)
    office: str
    since: datetime = Field(sa_column=instant())
    clerk_id: UUID | None = None


class CallRow(SQLModel, table=True):
    """One call, from both being connected until one was gone. Finished ones teach how long the next will take."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("calls_one_running", "appointment_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("calls_by_office", "office", text("ended_at DESC")),
    )

    id: int | None = Field(default=None, primary_key=True)
    appointment_id: UUID = Field(foreign_key="rooms.appointment_id", ondelete="CASCADE")
    office: str
    clerk_id: UUID | None = None
    started_at: datetime = Field(sa_column=instant())
    ended_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class ClerksPresentRow(SQLModel, table=True):
    """Which clerks of an office were last said to have their workplace open, and when."""

    __tablename__ = "clerks_present"

    office: str = Field(primary_key=True)
    clerks: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    said_at: datetime = Field(sa_column=instant())
