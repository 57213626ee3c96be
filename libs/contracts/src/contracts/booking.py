"""Events of the booking service."""

from typing import ClassVar, Literal

from pydantic import EmailStr, Field

from contracts.base import Event, Instant, Part
from contracts.ids import ServiceId
from contracts.text import Language


class CitizenContact(Part):
    """How to address the citizen: the minimum that a mail and a greeting need."""

    name: str
    email: EmailStr
    language: Language
    time_zone: str | None = Field(default=None, description="IANA zone of the citizen, when it differs or is known.")


class BookedService(Part):
    """One service of the appointment, with the options chosen at booking (e.g. `belegart`)."""

    service_id: ServiceId
    options: dict[str, str] = Field(default_factory=dict)


class BookingCompleted(Event):
    """An appointment stands. notify mails the link, signaling opens the room, casework opens the case."""

    SUBJECT: ClassVar[str] = "booking.completed.v1"

    reference: str = Field(description="Short and readable aloud, unique per office; not a secret.")
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    link_token: str = Field(description="The citizen's capability: whoever holds it may act on the appointment.")
    link_generation: int


class BookingCancelled(Event):
    """The appointment is off and its link dead."""

    SUBJECT: ClassVar[str] = "booking.cancelled.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    cancelled_by: Literal["citizen", "office"]
