"""What somebody asks for, what they get, and what is told of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking.appointments import model
from booking.appointments.links import FIRST_GENERATION, Booked, confirm_token, link, reservation_link
from booking.dependencies import Dependencies
from booking.offices.model import BookableOffice
from booking.slots.model import Slot
from contracts.booking import BookedService, BookingCompleted, Channel, CitizenContact, ConfirmationAsked, Need
from contracts.ids import AppointmentId


@dataclass(frozen=True)
class Order:
    """What somebody asks for: an appointment for `services` at `starts_at`, perhaps one they hold.

    `at_once`: the lead time does not count (a clerk books, a citizen takes an offer or comes without an appointment).
    `lanes`: only these come into question; `freed`: a slot that was given back and is kept for this order; `kept`: any
    that was given back and is kept from the public, unless it is offered to somebody.
    `confirm_by`: the address has to be confirmed by then (`model.confirm_by`); without it the appointment stands.
    `appointment_id`: the one that was promised to somebody who waited; a new one without it.
    """

    services: tuple[BookedService, ...]
    starts_at: datetime
    citizen: CitizenContact
    needs: tuple[Need, ...] = ()
    hold_id: UUID | None = None
    channel: Channel = "citizen"
    at_once: bool = False
    lanes: frozenset[int] | None = None
    freed: UUID | None = None
    kept: bool = False
    confirm_by: datetime | None = None
    appointment_id: AppointmentId | None = None


@dataclass(frozen=True)
class Move:
    """Where an appointment shall go, and who (`actor`, for `by`) moves it.

    `hold_id`: the slot as the citizen holds it. `lanes`, `freed` and `kept` as of `Order`. `give_back`: whether
    somebody is there for the slot that it leaves.
    """

    starts_at: datetime
    by: Channel
    actor: str
    hold_id: UUID | None = None
    lanes: frozenset[int] | None = None
    freed: UUID | None = None
    kept: bool = False
    give_back: bool = True


@dataclass(frozen=True)
class Granted:
    """What whoever booked gets, the appointment as it is told of, and the question about the address, if any."""

    booked: Booked
    event: BookingCompleted
    asked: ConfirmationAsked | None = None


def completed(
    bookable: BookableOffice, order: Order, appointment_id: AppointmentId, slot: Slot, token: str
) -> BookingCompleted:
    """What is told when `order` is granted, with a new reference."""
    return BookingCompleted(
        office=bookable.office.slug,
        appointment_id=appointment_id,
        reference=model.new_reference(bookable.office.reference_prefix),
        services=order.services,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        citizen=order.citizen,
        link_token=token,
        link_generation=FIRST_GENERATION,
        needs=order.needs,
        channel=order.channel,
    )


def granted(
    deps: Dependencies, bookable: BookableOffice, order: Order, event: BookingCompleted, now: datetime
) -> Granted:
    """What is granted when `event` comes true.

    Who has to confirm their address does not get the appointment's link: their mailbox does, once it has said yes.
    """
    appointment_id, slot = event.appointment_id, Slot(event.starts_at, event.ends_at)
    if order.confirm_by is None:
        return Granted(Booked(appointment_id, event.reference, slot, link(deps, bookable, event.link_token)), event)
    page = reservation_link(deps, bookable, appointment_id, slot, now)
    question = asked(deps, bookable, event, 0, order.confirm_by, now)
    return Granted(Booked(appointment_id, event.reference, slot, page, order.confirm_by), event, question)


def asked(
    deps: Dependencies,
    bookable: BookableOffice,
    kept: BookingCompleted,
    revision: int,
    confirm_by: datetime,
    now: datetime,
) -> ConfirmationAsked:
    """The question whether the address (that of this `revision`) is theirs; a stranger learns no name from it."""
    slot = Slot(kept.starts_at, kept.ends_at)
    return ConfirmationAsked(
        office=kept.office,
        appointment_id=kept.appointment_id,
        starts_at=kept.starts_at,
        ends_at=kept.ends_at,
        citizen=kept.citizen.model_copy(update={"name": "", "phone": None}),
        confirm_token=confirm_token(deps, bookable, kept.appointment_id, revision, slot, now),
        expires_at=confirm_by,
    )
