"""Events of the booking service."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from contracts.base import AppointmentEvent, Instant, Part
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


class BookingCompleted(AppointmentEvent):
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


class BookingRescheduled(AppointmentEvent):
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


class BookingContactChanged(AppointmentEvent):
    """The citizen is written to at another address. Slot, case and room stay the same.

    The link has been replaced, since the one before may lie with a stranger; only while the citizen may be in the call
    by it does a clerk's correction keep it: then `link_generation` is the one that is known.
    """

    SUBJECT: ClassVar[str] = "booking.contact_changed.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    link_token: str = Field(description="The capability that is good from now on; every one before it is worthless.")
    link_generation: int
    needs: tuple[Need, ...] = ()
    channel: Channel = "citizen"
    changed_by: Literal["citizen", "office"]
    revision: int = Field(default=0, description="Rises with each change: of two under one link the later one holds.")


class BookingCancelled(AppointmentEvent):
    """The appointment is off and its link dead."""

    SUBJECT: ClassVar[str] = "booking.cancelled.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    cancelled_by: Literal["citizen", "office"]
    quiet: bool = Field(default=False, description="Nobody is written to: too much went to this mailbox already.")


class BookingNoShow(AppointmentEvent):
    """The citizen did not come. The case closes, and what is left of the time goes to the walk-in queue."""

    SUBJECT: ClassVar[str] = "booking.no_show.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    marked_at: Instant


class BookingResumed(AppointmentEvent):
    """Who was said not to have come is here now: what was said of that before `resumed_at` is taken back.

    The case goes on and the room opens again. Words about their absence arrive in any order, also that the case was
    aborted for it: the latest holds.
    """

    SUBJECT: ClassVar[str] = "booking.resumed.v1"

    reference: str
    starts_at: Instant
    ends_at: Instant
    link_generation: int
    resumed_at: Instant


class ConfirmationAsked(AppointmentEvent):
    """A time is kept for somebody until they say that the address is theirs. notify asks them; nobody else hears of it.

    `appointment_id` is the appointment that it becomes with their yes (BookingCompleted), or that never was
    (BookingErased).
    """

    SUBJECT: ClassVar[str] = "booking.confirmation_asked.v1"

    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact = Field(description="Without name and telephone: the address may be a stranger's.")
    confirm_token: str = Field(description="The right to confirm this address. Only the mail has it.")
    expires_at: Instant = Field(description="Until then the time is kept, and the mail worth sending.")


class LinkAsked(AppointmentEvent):
    """Somebody who knows reference and address of an appointment has lost its link. notify mails it to that address.

    The link is the one that is good already: whoever has it keeps it.
    """

    SUBJECT: ClassVar[str] = "booking.link_asked.v1"

    reference: str
    services: tuple[BookedService, ...]
    starts_at: Instant
    ends_at: Instant
    citizen: CitizenContact
    link_token: str
    link_generation: int


class RemindersChosen(AppointmentEvent):
    """The citizen wants to be reminded of this appointment no more, or again. It holds over all moves."""

    SUBJECT: ClassVar[str] = "booking.reminders_chosen.v1"

    wanted: bool
    revision: int = Field(description="Rises with each choice: the latest holds, in whatever order they arrive.")


class SlotOffered(AppointmentEvent):
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
    link_generation: int = Field(default=0, description="That of the appointment's link; 0 without an appointment.")


class WaitingJoined(AppointmentEvent):
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


class WaitingEnded(AppointmentEvent):
    """Somebody is on the waiting list no more, without having asked for it. notify tells them why."""

    SUBJECT: ClassVar[str] = "booking.waiting_ended.v1"

    services: tuple[BookedService, ...]
    citizen: CitizenContact
    reason: Literal["unanswered", "days_over"] = Field(
        description="They let offers pass without a word, or the days that they waited for are over."
    )
    keeps_appointment: bool = Field(description="They waited for an earlier time than one that they have, and keep it.")


class BookingErased(AppointmentEvent):
    """The citizen's data is to be forgotten (GDPR Art. 17). Who keeps any of it without a duty to do so erases it.

    Also of somebody who left the waiting list: then `appointment_id` is the one that they do not want any more.
    """

    SUBJECT: ClassVar[str] = "booking.erased.v1"
    FORGETS: ClassVar[bool] = True

    erased_at: Instant


def calendar_uid(appointment_id: AppointmentId) -> str:
    """The UID of an appointment's calendar entry (RFC 5545, 3.8.4.7): one entry, whoever hands it out."""
    return f"{appointment_id}@schalter"
