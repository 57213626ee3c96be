"""What can be done with appointments: one function, one transaction. The doors (HTTP, bus) call these."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

import structlog

from booking.appointments import model, store
from booking.appointments.links import FIRST_GENERATION, Booked, as_it_is, link, link_token
from booking.appointments.orders import Move, Order, completed, granted
from booking.appointments.store import Place
from booking.dependencies import Dependencies
from booking.entries import store as waiting
from booking.errors import (
    AppointmentUnknown,
    LinkExpired,
    NotCancellable,
    NotMovable,
    SlotNotOffered,
    SlotTaken,
)
from booking.offices import model as offices
from booking.offices.model import BookableOffice, wanted_of
from booking.slots import store as slots_store
from booking.slots import usecases as slots
from booking.slots.holds import HeldBusy
from booking.slots.model import Slot
from booking.slots.usecases import Wish, occupied_seconds
from booking.tables import Appointment
from booking.timetable.model import SlotRefusal
from booking.waiting.model import still_wants
from chassis.database import Transaction
from contracts.actors import Citizen
from contracts.booking import (
    BookedService,
    BookingCancelled,
    BookingRescheduled,
    CitizenContact,
    Need,
)
from contracts.ids import AppointmentId

log = structlog.get_logger(__name__)


async def book(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    order: Order,
    holds: Sequence[HeldBusy],
    *,
    actor: str,
    now: datetime,
) -> Booked:
    """Books, and publishes BookingCompleted (or ConfirmationAsked, see `Order`) in the same statement.

    `holds` are those at the slot (`slots.holds_at`): others' are respected, one's own is preferred and keeps the slot
    bookable even if its beginning has passed meanwhile. The database decides, whatever they say.
    Raises UnknownService, OneAtATime, OptionInvalid, TooLong, SlotNotOffered, SlotTaken.
    """
    wish = Wish.of(bookable, wanted_of(order.services), own_hold=order.hold_id)
    bookable.check_options(order.services)
    appointment_id = order.appointment_id or AppointmentId(uuid4())
    slot = Slot(order.starts_at, order.starts_at + wish.length)
    token = link_token(deps, bookable, appointment_id, FIRST_GENERATION, slot, now)
    if order.kept:
        await slots_store.hand_out_alone(tx, bookable.office.slug)
    while True:
        place = place_of(deps, bookable, wish, slot, holds, now, order)
        if isinstance(place, Place):
            event = completed(bookable, order, appointment_id, slot, token)
            grant = granted(deps, bookable, order, event, now)
            # "lost": somebody else's commit took the lane (or the reference). There are only so many, so this ends.
            outcome = await store.book(tx, grant, place, actor=actor, now=now)
            if outcome == "booked":
                return grant.booked
            if outcome == "taken":
                raise SlotTaken(await slots.alternatives(deps.calendar, tx, bookable, wish, slot.starts_at, now))
            if outcome == "lost":
                continue
        known = deps.calendar.schedules.known(bookable)
        if await deps.calendar.schedules.refresh(tx, bookable) is known and not isinstance(place, Place):
            raise await _refused(deps, tx, bookable, wish, slot, now, place)


async def beyond_usual(tx: Transaction, bookable: BookableOffice, email: str, now: datetime) -> int:
    """How many appointments to come, one more included, are under an address beyond what is usual; 0 or less: none.

    Nobody has confirmed that it is theirs who type it in, so more of them cost work (`limits.gate`): S4.
    """
    return await store.open_under(tx, bookable.office.slug, email, now) + 1 - bookable.office.booking.max_open_per_email


async def appointment_of(tx: Transaction, citizen: Citizen, *, lock: bool = False) -> Appointment:
    """What the link leads to. Raises AppointmentUnknown, LinkExpired."""
    return _alive(await store.appointment_of(tx, citizen, lock=lock), citizen)


async def cancel(
    deps: Dependencies, tx: Transaction, citizen: Citizen, now: datetime, *, quiet: bool = False
) -> Appointment:
    """Cancels; the link is dead and the slot on its way to others. `quiet`: enough was mailed to them by now.

    Raises AppointmentUnknown, LinkExpired, NotCancellable.
    """
    appointment = await appointment_of(tx, citizen, lock=True)
    await cancel_it(deps, tx, appointment, by="citizen", actor=citizen.name, now=now, quiet=quiet)
    return appointment


async def cancel_it(
    deps: Dependencies,
    tx: Transaction,
    appointment: Appointment,
    *,
    by: Literal["citizen", "office"],
    actor: str,
    now: datetime,
    quiet: bool = False,
) -> None:
    """Cancels an appointment whose row the caller holds. Raises NotCancellable."""
    if not model.changeable(appointment.state, appointment.starts_at, now):
        raise NotCancellable
    appointment.state = "cancelled"
    appointment.link_generation += 1
    appointment.renew_link_at = None
    appointment.changed_at = now
    await _give_back(deps, tx, offices.find(deps.offices, appointment.office), appointment, now)
    event = BookingCancelled(
        office=appointment.office,
        appointment_id=AppointmentId(appointment.id),
        reference=appointment.reference,
        services=booked_services(appointment),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        citizen=contact(appointment),
        cancelled_by=by,
        quiet=quiet,
    )
    await tx.publish(event, actor=actor)


def stays(appointment: Appointment | None, citizen: Citizen, starts_at: datetime, now: datetime) -> bool:
    """Whether a move to `starts_at` by this link would change nothing: that is no move."""
    return (
        appointment is not None
        and appointment.starts_at == starts_at
        and appointment.link_generation == citizen.gen
        and appointment.erased_at is None
        and model.changeable(appointment.state, appointment.starts_at, now)
    )


def wish_to_move(appointment: Appointment, own_hold: UUID | None) -> Wish:
    """A slot for what is booked, as long as it is; its own time is not in its way, nor is `own_hold`."""
    services = tuple(service.service_id for service in booked_services(appointment))
    length = appointment.ends_at - appointment.starts_at
    return Wish(services, length, own_hold, AppointmentId(appointment.id))


async def wish_to_hold(tx: Transaction, citizen: Citizen, hold_id: UUID, now: datetime) -> Wish:
    """As `wish_to_move`, for who keeps a slot while they decide. Raises LinkExpired, NotMovable."""
    appointment = await appointment_of(tx, citizen)
    if not model.changeable(appointment.state, appointment.starts_at, now):
        raise NotMovable
    return wish_to_move(appointment, hold_id)


async def move(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    appointment: Appointment,
    to: Move,
    holds: Sequence[HeldBusy],
    now: datetime,
) -> Booked:
    """Moves an appointment whose row the caller holds, and publishes BookingRescheduled; the old link is dead.

    What is booked stays: services, persons, length of then. Citizens keep the lead time; others may move at once. The
    old slot is given back, unless nobody is there for it. Who stays at the same time stays as they are, link and all,
    and nobody is told; only the lane is another one if it has to be.
    Raises NotMovable, SlotNotOffered, SlotTaken.
    """
    if not model.changeable(appointment.state, appointment.starts_at, now):
        raise NotMovable
    same_time = to.starts_at == appointment.starts_at
    if same_time and (to.lanes is None or appointment.lane in to.lanes):
        return as_it_is(deps, bookable, appointment, now)
    services, appointment_id = booked_services(appointment), AppointmentId(appointment.id)
    wish = wish_to_move(appointment, to.hold_id)
    length = wish.length
    slot = Slot(to.starts_at, to.starts_at + length)
    previous = Slot(appointment.starts_at, appointment.ends_at)
    order = Order(
        services,
        to.starts_at,
        contact(appointment),
        hold_id=to.hold_id,
        at_once=to.by != "citizen",
        lanes=to.lanes,
        freed=to.freed,
        kept=to.kept,
    )
    if order.kept:
        await slots_store.hand_out_alone(tx, bookable.office.slug)
    while True:
        await deps.calendar.schedules.refresh(tx, bookable)
        place = place_of(deps, bookable, wish, slot, holds, now, order)
        if not isinstance(place, Place):
            raise await _refused(deps, tx, bookable, wish, slot, now, place)
        if (
            await store.move(tx, bookable.office.slug, appointment_id, place, new_link=not same_time, now=now)
            is not None
        ):
            break
        _, busy = await slots.read(deps.calendar, tx, bookable, slot.starts_at, slot.ends_at, wish, now)
        if {one.lane for one in busy}.issuperset(place.lanes):
            raise SlotTaken(await slots.alternatives(deps.calendar, tx, bookable, wish, slot.starts_at, now))
    if same_time:
        await tx.session.refresh(appointment)
        return as_it_is(deps, bookable, appointment, now)
    if to.give_back:
        await _give_back(deps, tx, bookable, appointment, now)
    if not still_wants(to.by, previous.starts_at, slot.starts_at):
        await waiting.end(tx, bookable.office.slug, appointment_id, "done", now)
    await tx.session.refresh(appointment)
    token = link_token(deps, bookable, appointment_id, appointment.link_generation, slot, now)
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
        rescheduled_by=to.by,
    )
    await tx.publish(event, actor=to.actor)
    return Booked(appointment_id, appointment.reference, slot, link(deps, bookable, token))


def booked_services(appointment: Appointment) -> tuple[BookedService, ...]:
    """The services of an appointment in the events' terms."""
    return tuple(BookedService.model_validate(service) for service in appointment.services)


def contact(appointment: Appointment) -> CitizenContact:
    """How to address the citizen of an appointment."""
    return CitizenContact.model_validate(appointment, from_attributes=True)


def needs(appointment: Appointment) -> tuple[Need, ...]:
    """What the office prepares for the citizen."""
    return tuple(appointment.needs)  # type: ignore[arg-type]  # written by this service alone, from Need


def _alive(appointment: Appointment | None, citizen: Citizen) -> Appointment:
    if appointment is None:
        raise AppointmentUnknown
    if appointment.erased_at is None and model.ended_link(appointment.state, appointment.link_generation, citizen.gen):
        raise LinkExpired("The appointment was cancelled.", reason="cancelled")
    if appointment.link_generation != citizen.gen or appointment.erased_at:
        raise LinkExpired("The appointment was cancelled or moved, or its link was sent anew.")
    return appointment


def place_of(
    deps: Dependencies,
    bookable: BookableOffice,
    wish: Wish,
    slot: Slot,
    holds: Sequence[HeldBusy],
    now: datetime,
    order: Order,
) -> Place | SlotRefusal:
    """Where the order may go by the timetable that this process knows, or why it may not, whoever has booked what."""
    version, schedule = deps.calendar.schedules.known(bookable)
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
    return Place(slot, slot.ends_at + schedule.buffer, on_duty - others, version, own, order.freed, order.kept)


async def _refused(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    wish: Wish,
    slot: Slot,
    now: datetime,
    reason: SlotRefusal,
) -> SlotNotOffered:
    return SlotNotOffered(reason, await slots.alternatives(deps.calendar, tx, bookable, wish, slot.starts_at, now))


async def _give_back(
    deps: Dependencies, tx: Transaction, bookable: BookableOffice, appointment: Appointment, now: datetime
) -> None:
    """The slot that an appointment leaves is offered to those who wait, and public again after a random delay.

    One that was hardly taken returns at once, unless somebody else waits; so do those that the appointment left before:
    it keeps one from the others, however often it moves.
    """
    await slots_store.show(tx, appointment.office, left_by=appointment.id, now=now)
    hardly = model.hardly_taken(appointment.taken_at or appointment.booked_at, now)
    at_once = hardly and not await waiting.anybody_but(tx, appointment.office, appointment.id)
    await slots_store.give_back(
        tx,
        appointment.office,
        appointment.lane,
        Slot(appointment.starts_at, appointment.busy_until or appointment.ends_at),
        public_at=now if at_once else slots.returns(bookable, appointment.starts_at, now),
        now=now,
        left_by=appointment.id,
    )
    tx.after_commit(deps.slot_freed)
