"""Events of the booking service."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from contracts.base import Event, Instant, Part
from contracts.email import Email
from contracts.ids import AppointmentId, ServiceId
from contracts.text import Language

#: What the office prepares for a citizen. Nothing about health: that somebody signs is enough to book an interpreter.
Need = Literal["interpreter", "sign_language_interpreter", "companion"]
#: By which way an appointment came about, or who moved it.
Channel = Literal["citizen", "office", "waiting_list", "walk_in"]


class CitizenContact(Part):
    """How to address the citizen: the minimum that a mail and a greeting need."""

    name: str
    email: Email
    language: Language
    time_zone: str | None = Field(default=None, description="IANA zone of the citizen, when it differs or is known.")
    phone: str | None = Field(default=None, description="E.164, if the citizen gave one: for when mail or call fail.")
    plain_language: bool = Field(default=False, description="Wants to be written to in plain language.")


class BookedService(Part):
    """One service of the appointment, with the options chosen at booking (e.g. `belegart`)."""

    service_id: ServiceId
    options: dict[str, str] = Field(default_factory=dict)
    persons: int = Field(default=1, ge=1, le=12, description="For how many people it is, each with what it needs.")


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
    needs: tuple[Need, ...] = ()
    channel: Channel = "citizen"


class BookingRescheduled(Event):
    """The appointment has another time and another link; the old link is dead. Case and room stay the same."""

    SUBJECT: ClassVar[str] = "booking.rescheduled.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    previous_starts_at: Instant
    previous_ends_at: Instant
    citizen: CitizenContact
    link_token: str = Field(description="The new capability; the one before is worthless from now on.")
    link_generation: int
    needs: tuple[Need, ...] = ()
    rescheduled_by: Channel


class BookingCancelled(Event):
    """The appointment is off and its link dead."""

    SUBJECT: ClassVar[str] = "booking.cancelled.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    cancelled_by: Literal["citizen", "office"]


class BookingNoShow(Event):
    """The citizen did not come. The case closes, and what is left of the time goes to the walk-in queue."""

    SUBJECT: ClassVar[str] = "booking.no_show.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    marked_at: Instant


class SlotOffered(Event):
    """An earlier slot is kept for one citizen of the waiting list, until `expires_at`. notify mails the offer.

    `appointment_id` is the appointment that would move, or, without one, the one that accepting would make.
    """

    SUBJECT: ClassVar[str] = "booking.slot_offered.v1"

    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    current_starts_at: Instant | None = Field(default=None, description="When the appointment is now, if there is one.")
    citizen: CitizenContact
    offer_token: str = Field(description="The right to accept or refuse this one offer.")
    expires_at: Instant


class WaitingJoined(Event):
    """Somebody without an appointment is on the waiting list. notify mails what happens now, and the way out.

    `appointment_id` is the one that accepting an offer would make.
    """

    SUBJECT: ClassVar[str] = "booking.waiting_joined.v1"

    services: tuple[BookedService, ...]
    first_day: date | None = Field(default=None, description="The first day asked for; without one: from now on.")
    last_day: date | None = Field(default=None, description="The last day asked for, included; without one: any.")
    citizen: CitizenContact
    link_token: str = Field(description="The right to see this entry and to leave the list.")
    ends_at: Instant = Field(description="When the waiting ends by itself, and the link with it.")


class BookingErased(Event):
    """The citizen's data is to be forgotten (GDPR Art. 17). Who keeps any of it without a duty to do so erases it.

    Also of somebody who left the waiting list: then `appointment_id` is the one that they do not want any more.
    """

    SUBJECT: ClassVar[str] = "booking.erased.v1"

    erased_at: Instant


def calendar_uid(appointment_id: AppointmentId) -> str:
    """The UID of an appointment's calendar entry (RFC 5545, 3.8.4.7): one entry, whoever hands it out."""
    return f"{appointment_id}@schalter"
