"""What travels over HTTP about the office's week and about acting on behalf of citizens."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Self

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from typing_extensions import TypedDict

from booking.appointments.links import Booked
from booking.appointments.summaries import AppointmentBrief, Conflict
from booking.clerks.reassignment_plan import Stuck
from booking.fields import PersonRequest, StartsAt
from booking.offices.model import BookableOffice
from booking.planning.views import BlockedTimeView, after
from booking.slots.model import Slot
from booking.tables import Appointment
from booking.timetable.model import Closed
from chassis.http import Body
from contracts.booking import Need
from contracts.ids import AppointmentId
from contracts.text import Language, Localised


class Stretch(TypedDict):
    """From one instant to another, the end exclusive."""

    starts_at: datetime
    ends_at: datetime


class ProvisionalTime(Stretch):
    """Taken until `confirm_by`, unless somebody confirms their address by then; of whom nothing is told."""

    confirm_by: datetime


class LaneOfDay(BaseModel):
    """One clerk's day. Once a clerk has left the timetable, `name` is empty and nobody is on duty.

    `mine`: it belongs to the account of the clerk who asks.
    """

    lane: int
    name: str
    mine: bool
    on_duty: list[Stretch]
    appointments: list[AppointmentBrief]
    blocked: list[BlockedTimeView]
    provisional: list[ProvisionalTime]


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


class AppointmentDetail(AppointmentBrief):
    """One appointment as the clerks of its office see it: also how to reach the citizen, who may have to be called.

    Lists do not carry this, so that nobody's address travels who was not looked for. Null once it was erased.
    """

    email: str | None
    phone: str | None
    language: Language
    plain_language: bool
    needs: tuple[Need, ...]

    @classmethod
    def detailed(cls, appointment: Appointment) -> Self:
        """`appointment` for the clerk who opened it."""
        erased = appointment.erased_at is not None
        return cls.of(
            appointment.model_dump(),
            email=None if erased else appointment.email,
            phone=None if erased else appointment.phone,
            language=appointment.language,
            plain_language=appointment.plain_language,
            needs=tuple(appointment.needs),
        )


class ResumedView(AppointmentBrief):
    """An appointment whose person came after all. `meanwhile`: who has got the clerk's time in the meantime."""

    meanwhile: list[AppointmentBrief]


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


class OfficeSlotView(TypedDict):
    """A free slot as clerks may book it. With `returns_at` somebody has just given it back: the public sees it then."""

    starts_at: datetime
    ends_at: datetime
    returns_at: datetime | None


class OfficeSlotsView(BaseModel):
    """Free slots in ascending order, those that the public does not see yet included."""

    time_zone: str
    minutes: int
    slots: list[OfficeSlotView]

    @staticmethod
    def of(
        bookable: BookableOffice, length: timedelta, slots: Iterable[tuple[Slot, datetime | None]]
    ) -> "OfficeSlotsView":
        """Without validation: weeks may be thousands of slots."""
        return OfficeSlotsView.model_construct(
            time_zone=bookable.office.time_zone,
            minutes=int(length.total_seconds()) // 60,
            slots=[
                {"starts_at": starts_at, "ends_at": ends_at, "returns_at": returns_at and returns_at.astimezone(UTC)}
                for (starts_at, ends_at), returns_at in slots
            ],
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
