"""The service's own tables. What keeps two appointments apart is the database itself, see the exclusion constraint."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, SmallInteger, String, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlmodel import Field, SQLModel

from booking.model import State
from chassis.tables import instant
from contracts.text import Language

_BOOKED = text("state = 'booked'")


class Appointment(SQLModel, table=True):
    """An appointment of one citizen with one office. `lane` is which of the office's clerks' time it takes."""

    __tablename__ = "appointment"
    __table_args__ = (
        ExcludeConstraint(
            ("office", "="),
            ("lane", "="),
            (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
            name="appointment_no_double_booking",
            using="gist",
            where=_BOOKED,
        ),
        UniqueConstraint("office", "reference", name="appointment_reference"),
        CheckConstraint("state IN ('booked', 'cancelled', 'completed', 'aborted')", name="appointment_state"),
        CheckConstraint("starts_at < ends_at AND ends_at <= starts_at + interval '8 hours'", name="appointment_length"),
        CheckConstraint("lane >= 0", name="appointment_lane"),
        # Free slots read nothing but this index: a range of starts, bounded by the longest appointment.
        Index(
            "appointment_busy",
            "office",
            "starts_at",
            postgresql_include=["ends_at", "lane"],
            postgresql_where=_BOOKED,
        ),
    )

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40)
    reference: str = Field(max_length=16)
    lane: int = Field(sa_column=Column(SmallInteger, nullable=False))
    starts_at: datetime = Field(sa_column=instant())
    ends_at: datetime = Field(sa_column=instant())
    state: State = Field(sa_column=Column(String(16), nullable=False))
    services: list[dict[str, object]] = Field(sa_column=Column(JSONB, nullable=False))
    name: str
    email: str
    language: Language = Field(sa_column=Column(String(2), nullable=False))
    time_zone: str | None = None
    link_generation: int
    booked_at: datetime = Field(sa_column=instant())
    changed_at: datetime = Field(sa_column=instant())
