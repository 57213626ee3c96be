"""What can be done with appointments: one function, one transaction. The doors (HTTP, bus) call these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4

import structlog

from booking.appointments import model, store
from booking.appointments.store import Place
from booking.desk import Desk
from booking.errors import (
    AppointmentUnknown,
    LimitReached,
    LinkExpired,
    NotCancellable,
    NotMissed,
    NotMovable,
    SlotNotOffered,
    SlotTaken,
    TooEarly,
)
from booking.offers import model as offers
from booking.offers.model import Offer, wanted
from booking.slots import store as slots_store
from booking.slots import usecases as slots
from booking.slots.holds import HeldBusy
from booking.slots.model import Slot
from booking.slots.usecases import Wish, occupied_seconds
from booking.tables import Appointment
from booking.timetable.model import Refusal
from booking.waiting import store as waiting
from booking.waiting.model import still_wants
from chassis.database import Transaction
from contracts.actors import Citizen
from contracts.booking import (
    BookedService,
    BookingCancelled,
    BookingCompleted,
    BookingNoShow,
    BookingRescheduled,
    Channel,
    CitizenContact,
    Need,
)
from contracts.ids import AppointmentId

log = structlog.get_logger(__name__)

FIRST_GENERATION: Final = 1


@dataclass(frozen=True)
class Order:
    """What somebody asks for: an appointment for `services` at `starts_at`, perhaps one they hold.

    `at_once`: the lead time does not count (a clerk books, a citizen takes an offer or comes without an appointment).
    `lanes`: only these come into question; `freed`: a slot that was given back and is kept for this order.
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


@dataclass(frozen=True)
class Booked:
    """An appointment that stands, with the secret link to it."""

    appointment_id: AppointmentId
    reference: str
    slot: Slot
    link: str


async def book(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    order: Order,
    holds: Sequence[HeldBusy],
    *,
    actor: str,
    now: datetime,
    appointment_id: AppointmentId | None = None,
) -> Booked:
    """Books, and publishes BookingCompleted in the same statement.

    `holds` are those at the slot (`slots.holds_at`): others' are respected, one's own is preferred and keeps the slot
    bookable even if its beginning has passed meanwhile. The database decides, whatever they say.
    Raises UnknownService, OneAtATime, OptionInvalid, TooLong, SlotNotOffered, SlotTaken, LimitReached.
    """
    wish = Wish.of(offer, wanted(order.services), own_hold=order.hold_id)
    offer.check_options(order.services)
    appointment_id = appointment_id or AppointmentId(uuid4())
    slot = Slot(order.starts_at, order.starts_at + wish.length)
    if order.channel == "citizen":
        await _within_limit(tx, offer, order.citizen.email, now)
    token = link_token(desk, offer, appointment_id, FIRST_GENERATION, slot, now)
    while True:
        place = place_of(desk, offer, wish, slot, holds, now, order)
        if isinstance(place, Place):
            event = completed(offer, order, appointment_id, slot, token)
            # "lost": somebody else's commit took the lane (or the reference). There are only so many, so this ends.
            outcome = await store.book(tx, event, place, actor=actor, now=now)
            if outcome == "booked":
                return Booked(appointment_id, event.reference, slot, link(desk, offer, token))
            if outcome == "taken":
                raise SlotTaken(await slots.alternatives(desk.calendar, tx, offer, wish, slot.starts_at, now))
            if outcome == "lost":
                continue
        known = desk.calendar.schedules.known(offer)
        if await desk.calendar.schedules.refresh(tx, offer) is known and not isinstance(place, Place):
            raise await _refused(desk, tx, offer, wish, slot, now, place)


async def appointment_of(tx: Transaction, citizen: Citizen, *, lock: bool = False) -> Appointment:
    """What the link leads to. Raises AppointmentUnknown, LinkExpired."""
    return _alive(await store.appointment_of(tx, citizen, lock=lock), citizen)


async def cancel(desk: Desk, tx: Transaction, citizen: Citizen, now: datetime) -> Appointment:
    """Cancels; the link is dead and the slot on its way to others.

    Raises AppointmentUnknown, LinkExpired, NotCancellable.
    """
    appointment = await appointment_of(tx, citizen, lock=True)
    await cancel_it(desk, tx, appointment, by="citizen", actor=citizen.name, now=now)
    return appointment


async def cancel_it(
    desk: Desk,
    tx: Transaction,
    appointment: Appointment,
    *,
    by: Literal["citizen", "office"],
    actor: str,
    now: datetime,
) -> None:
    """Cancels an appointment whose row the caller holds. Raises NotCancellable."""
    if not model.changeable(appointment.state, appointment.starts_at, now):
        raise NotCancellable
    appointment.state = "cancelled"
    appointment.link_generation += 1
    appointment.changed_at = now
    await _give_back(desk, tx, offers.find(desk.offers, appointment.office), appointment, now)
    event = BookingCancelled(
        office=appointment.office,
        appointment_id=AppointmentId(appointment.id),
        reference=appointment.reference,
        services=booked_services(appointment),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        citizen=contact(appointment),
        cancelled_by=by,
    )
    await tx.publish(event, actor=actor)


async def move(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    appointment: Appointment,
    starts_at: datetime,
    holds: Sequence[HeldBusy],
    *,
    hold_id: UUID | None = None,
    by: Channel,
    actor: str,
    now: datetime,
    lanes: frozenset[int] | None = None,
    freed: UUID | None = None,
    give_back: bool = True,
) -> Booked:
    """Moves an appointment whose row the caller holds, and publishes BookingRescheduled; the old link is dead.

    What is booked stays: services, persons, length of then. `by` "citizen" keeps the lead time; others may move at
    once. The old slot is given back, unless nobody is there for it (`give_back`).
    Raises NotMovable, SlotNotOffered, SlotTaken.
    """
    if not model.changeable(appointment.state, appointment.starts_at, now):
        raise NotMovable
    services = booked_services(appointment)
    appointment_id = AppointmentId(appointment.id)
    length = appointment.ends_at - appointment.starts_at
    wish = Wish(tuple(service.service_id for service in services), length, hold_id, appointment_id)
    slot = Slot(starts_at, starts_at + length)
    previous = Slot(appointment.starts_at, appointment.ends_at)
    order = Order(
        services, starts_at, contact(appointment), hold_id=hold_id, at_once=by != "citizen", lanes=lanes, freed=freed
    )
    while True:
        await desk.calendar.schedules.refresh(tx, offer)
        place = place_of(desk, offer, wish, slot, holds, now, order)
        if not isinstance(place, Place):
            raise await _refused(desk, tx, offer, wish, slot, now, place)
        if await store.move(tx, offer.office.slug, appointment_id, place, new_link=True, now=now) is not None:
            break
        _, busy = await slots.read(desk.calendar, tx, offer, slot.starts_at, slot.ends_at, wish, now)
        if {one.lane for one in busy}.issuperset(place.lanes):
            raise SlotTaken(await slots.alternatives(desk.calendar, tx, offer, wish, starts_at, now))
    if give_back:
        await _give_back(desk, tx, offer, appointment, now)
    if not still_wants(by, previous.starts_at, slot.starts_at):
        await waiting.end(tx, offer.office.slug, appointment_id, "done", now)
    await tx.session.refresh(appointment)
    token = link_token(desk, offer, appointment_id, appointment.link_generation, slot, now)
    event = BookingRescheduled(
        office=appointment.office,
        appointment_id=appointment_id,
        reference=appointment.reference,
        services=services,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        previous_starts_at=previous.starts_at,
        previous_ends_at=previous.ends_at,
        citizen=contact(appointment),
        link_token=token,
        link_generation=appointment.link_generation,
        needs=needs(appointment),
        rescheduled_by=by,
    )
    await tx.publish(event, actor=actor)
    return Booked(appointment_id, appointment.reference, slot, link(desk, offer, token))


async def miss(tx: Transaction, offer: Offer, appointment: Appointment, *, actor: str, now: datetime) -> None:
    """Marks that the citizen did not come, and publishes BookingNoShow. The rest of the time is free at once.

    The caller holds the row. Raises TooEarly before the office's grace has passed, NotMissed when it is not booked.
    """
    grace = timedelta(minutes=offer.office.booking.no_show_minutes)
    if not model.missed(appointment.state, appointment.starts_at, now, grace=grace):
        if appointment.state == "booked":
            raise TooEarly(appointment.starts_at + grace)
        raise NotMissed
    await _mark_missed(tx, appointment, actor=actor, now=now)


async def finish(
    tx: Transaction, office: str, appointment_id: AppointmentId, state: Literal["completed", "aborted"], at: datetime
) -> None:
    """Marks how the appointment ended. One that is cancelled, ended already or erased stays as it is."""
    if not await store.finish(tx, office, appointment_id, state, at):
        log.info("nothing_to_finish", appointment_id=str(appointment_id), state=state)


async def nobody_came(tx: Transaction, office: str, appointment_id: AppointmentId, *, actor: str, at: datetime) -> None:
    """A clerk closed the case because nobody came: the appointment was missed. Anything but a booked one stays."""
    appointment = await store.appointment(tx, office, appointment_id, lock=True)
    if appointment is not None and appointment.state == "booked":
        await _mark_missed(tx, appointment, actor=actor, now=at)


def booked_services(appointment: Appointment) -> tuple[BookedService, ...]:
    """The services of an appointment in the events' terms."""
    return tuple(BookedService.model_validate(service) for service in appointment.services)


def contact(appointment: Appointment) -> CitizenContact:
    """How to address the citizen of an appointment."""
    return CitizenContact.model_validate(appointment, from_attributes=True)


def needs(appointment: Appointment) -> tuple[Need, ...]:
    """What the office prepares for the citizen."""
    return tuple(appointment.needs)  # type: ignore[arg-type]  # written by this service alone, from Need


async def _mark_missed(tx: Transaction, appointment: Appointment, *, actor: str, now: datetime) -> None:
    appointment.state = "no_show"
    appointment.changed_at = now
    event = BookingNoShow(
        office=appointment.office,
        appointment_id=AppointmentId(appointment.id),
        reference=appointment.reference,
        services=booked_services(appointment),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        citizen=contact(appointment),
        marked_at=now,
    )
    await tx.publish(event, actor=actor)


def _alive(appointment: Appointment | None, citizen: Citizen) -> Appointment:
    if appointment is None:
        raise AppointmentUnknown
    if appointment.link_generation != citizen.gen or appointment.erased_at:
        raise LinkExpired("The appointment was cancelled or moved.")
    return appointment


def completed(offer: Offer, order: Order, appointment_id: AppointmentId, slot: Slot, token: str) -> BookingCompleted:
    """What is told when `order` is granted, with a new reference."""
    return BookingCompleted(
        office=offer.office.slug,
        appointment_id=appointment_id,
        reference=model.new_reference(offer.office.reference_prefix),
        services=order.services,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        citizen=order.citizen,
        link_token=token,
        link_generation=FIRST_GENERATION,
        needs=order.needs,
        channel=order.channel,
    )


def place_of(
    desk: Desk, offer: Offer, wish: Wish, slot: Slot, holds: Sequence[HeldBusy], now: datetime, order: Order
) -> Place | Refusal:
    """Where the order may go by the timetable that this process knows, or why it may not, whoever has booked what."""
    version, schedule = desk.calendar.schedules.known(offer)
    start = int(slot.starts_at.timestamp())
    end = start + occupied_seconds(schedule, wish.length)
    own = next((held.busy.lane for held in holds if held.id == order.hold_id and held.busy[1:] == (start, end)), None)
    if refusal := schedule.refusal(slot.starts_at, wish.length, now, held=own is not None, at_once=order.at_once):
        return refusal
    on_duty = set(schedule.on_duty(schedule.serving(wish.services), start, wish.length))
    if order.lanes is not None:
        on_duty &= order.lanes
    if not on_duty:
        return "nobody_on_duty"
    others = {
        held.busy.lane for held in holds if held.id != order.hold_id and held.busy.start < end and held.busy.end > start
    }
    return Place(slot, slot.ends_at + schedule.buffer, on_duty - others, version, own, order.freed)


async def _refused(
    desk: Desk, tx: Transaction, offer: Offer, wish: Wish, slot: Slot, now: datetime, reason: Refusal
) -> SlotNotOffered:
    return SlotNotOffered(reason, await slots.alternatives(desk.calendar, tx, offer, wish, slot.starts_at, now))


async def _within_limit(tx: Transaction, offer: Offer, email: str, now: datetime) -> None:
    """Nobody hoards slots under one address (S4)."""
    limit = offer.office.booking.max_open_per_email
    if await store.open_under(tx, offer.office.slug, email, now) >= limit:
        raise LimitReached(
            f"There are {limit} appointments to come under this e-mail address already. Move or cancel one of them, "
            "book several services or persons in one appointment, or call the office.",
            retry_after_seconds=86400,
            reason="appointments",
        )


async def _give_back(desk: Desk, tx: Transaction, offer: Offer, appointment: Appointment, now: datetime) -> None:
    """The slot that an appointment leaves is offered to those who wait, and public again after a random delay."""
    await slots_store.give_back(
        tx,
        appointment.office,
        appointment.lane,
        appointment.starts_at,
        appointment.busy_until or appointment.ends_at,
        public_at=slots.returns(offer, appointment.starts_at, now),
        now=now,
        left_by=appointment.id,
    )
    tx.after_commit(desk.slot_freed)


def link_of(desk: Desk, offer: Offer, appointment: Appointment, now: datetime) -> str:
    """The link to an appointment as it is: the same rights as in the mail."""
    slot = Slot(appointment.starts_at, appointment.ends_at)
    appointment_id = AppointmentId(appointment.id)
    return link(desk, offer, link_token(desk, offer, appointment_id, appointment.link_generation, slot, now))


def link(desk: Desk, offer: Offer, token: str) -> str:
    return f"{desk.public_origin}/{offer.office.slug}/appointment#{token}"


def link_token(
    desk: Desk, offer: Offer, appointment_id: AppointmentId, generation: int, slot: Slot, now: datetime
) -> str:
    """The link lives as long as the appointment's data does."""
    claims = {"sub": str(appointment_id), "office": offer.office.slug, "gen": generation}
    expires_at = slot.ends_at + timedelta(days=offer.office.retention.appointment_days)
    return desk.links.sign(claims, now=now, expires_at=expires_at)
