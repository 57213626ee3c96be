"""What travels over HTTP about the office's week and about acting on behalf of citizens."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from typing_extensions import TypedDict

from booking.appointments.usecases import Booked
from booking.fields import PersonRequest, StartsAt
from booking.office.briefs import AppointmentBrief, Conflict
from booking.office.moves import Stuck
from booking.timetable.model import Closed
from booking.timetable.views import BlockedTimeView, after
from chassis.http import Body
from contracts.ids import AppointmentId
from contracts.text import Localised


class Stretch(TypedDict):
    """From one instant to another, the end exclusive."""

    starts_at: datetime
    ends_at: datetime


class LaneOfDay(BaseModel):
    """One clerk's day. Once a clerk has left the timetable, `name` is empty and nobody is on duty."""

    lane: int
    name: str
    on_duty: list[Stretch]
    appointments: list[AppointmentBrief]
    blocked: list[BlockedTimeView]


class DayOfWeek(BaseModel):
    """A local day. `offered_minutes`: clerks on duty and not blocked; `booked_minutes`: their appointments."""

    day: date
    closed: Closed | None
    note: Localised | None
    hours: list[Stretch]
    lanes: list[LaneOfDay]
    offered_minutes: int
    booked_minutes: int


class WeekView(BaseModel):
    """A week of the office from Monday on."""

    time_zone: str
    monday: date
    days: list[DayOfWeek]
    conflicts: list[Conflict]


class OfficeAppointmentRequest(PersonRequest):
    """Book for a citizen who called or wrote; with `lane`, with this clerk."""

    starts_at: StartsAt
    lane: int | None = Field(default=None, ge=0, lt=32_000)


class OfficeMoveRequest(Body):
    """Move a citizen's appointment; with `lane`, to this clerk."""

    starts_at: StartsAt
    lane: int | None = Field(default=None, ge=0, lt=32_000)


class OfficeBooked(BaseModel):
    """The appointment stands. Its link is mailed to the citizen alone: whoever has it signs and pays as the citizen."""

    appointment_id: AppointmentId
    reference: str
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, booked: Booked) -> Self:
        """`booked` for the clerk who booked it."""
        return cls(
            appointment_id=booked.appointment_id,
            reference=booked.reference,
            starts_at=booked.slot.starts_at,
            ends_at=booked.slot.ends_at,
        )


class MovesRequest(Body):
    """Move the appointments of a clerk who is not there between two instants. `dry_run` tells what would happen."""

    lane: int = Field(ge=0, lt=32_000)
    low: StartsAt = Field(alias="from")
    high: StartsAt = Field(alias="to")
    dry_run: bool = False

    @field_validator("high")
    @classmethod
    def _in_order(cls, high: datetime, info: ValidationInfo) -> datetime:
        return after(info.data.get("low"), high)


class Moved(BaseModel):
    """An appointment that has another time now; the citizen was told."""

    appointment_id: AppointmentId
    reference: str
    previous: datetime = Field(serialization_alias="from")
    starts_at: datetime = Field(serialization_alias="to")


class Left(AppointmentBrief):
    """An appointment that stays where it is, though nobody is there for it."""

    reason: Stuck


class MovesView(BaseModel):
    """What became of a clerk's appointments. `kept_time`: another clerk at the same time, nobody needs to know."""

    kept_time: list[AppointmentBrief]
    moved: list[Moved]
    left: list[Left]
