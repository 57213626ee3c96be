"""What those who wait can do: wait, stop waiting, accept, refuse. One function, one transaction."""

from datetime import datetime, timedelta
from uuid import UUID

from booking.appointments import model as appointments_model
from booking.appointments import store as appointments_store
from booking.appointments import usecases as appointments
from booking.appointments.usecases import Booked, Order
from booking.desk import Desk
from booking.errors import (
    AppointmentUnknown,
    DaysInvalid,
    LimitReached,
    NotMovable,
    OfferOver,
    OfferUnknown,
    OneAtATime,
    OptionInvalid,
    SlotNotOffered,
    SlotTaken,
    TooLong,
    UnknownService,
)
from booking.offers import model as offers
from booking.offers.model import Offer
from booking.slots import usecases as slots
from booking.waiting import model, store
from booking.waiting.offering import OFFERS
from booking.waiting.store import Entry, Known
from chassis.database import Transaction
from contracts.actors import Citizen, Offeree


async def wait(desk: Desk, tx: Transaction, citizen: Citizen, now: datetime) -> datetime:
    """The citizen wants an earlier slot than theirs; since when they wait. Repeating it keeps their place.

    Raises AppointmentUnknown, LinkExpired, NotMovable.
    """
    appointment = await appointments.appointment_of(tx, citizen, lock=True)
    if not appointments_model.changeable(appointment.state, appointment.starts_at, now):
        raise NotMovable
    length = appointment.ends_at - appointment.starts_at
    minutes = int(length.total_seconds()) // 60
    tx.after_commit(desk.slot_freed)  # one that is free already may suit them
    return await store.wait(tx, citizen.office, appointment.id, minutes, now)


async def stop_waiting(desk: Desk, tx: Transaction, citizen: Citizen, now: datetime) -> None:
    """The citizen waits no longer; what is offered to them goes to the next. Raises AppointmentUnknown, LinkExpired."""
    appointment = await appointments.appointment_of(tx, citizen, lock=True)
    offer = offers.find(desk.offers, citizen.office)
    for freed in await store.leave(tx, citizen.office, appointment.id, now):
        await _pass_on(desk, tx, offer, freed, now)


async def join(desk: Desk, tx: Transaction, offer: Offer, entry: Entry, now: datetime) -> UUID:
    """Somebody who found no slot waits for one; the entry's id.

    Raises DaysInvalid for days that nobody can wait for, and LimitReached: entries count like appointments (S4).
    """
    office, rules = offer.office.slug, offer.office.booking
    today = now.astimezone(offer.office.zone).date()
    if entry.last_day and entry.last_day < today:
        raise DaysInvalid("last", "lies in the past")
    if entry.first_day and entry.first_day > today + timedelta(days=rules.horizon_days):
        raise DaysInvalid("first", "is further ahead than the office takes appointments")
    waiting = await store.waiting_under(tx, office, entry.citizen.email)
    if waiting + await appointments_store.open_under(tx, office, entry.citizen.email, now) >= rules.max_open_per_email:
        raise LimitReached(
            f"Under this e-mail address there are {rules.max_open_per_email} appointments and entries on the waiting "
            "list already. If you have an appointment, you can wait for an earlier time through its link.",
            retry_after_seconds=86400,
            reason="appointments",
        )
    tx.after_commit(desk.slot_freed)
    return await store.join(tx, office, entry, now)


async def offer_of(tx: Transaction, offeree: Offeree, *, lock: bool = False) -> Known:
    """What the link in the mail offers. Raises OfferUnknown."""
    known = await store.offer(tx, offeree.office, offeree.sub, lock=lock)
    if known is None:
        raise OfferUnknown
    return known


def state_of(known: Known, now: datetime) -> model.OfferState:
    """What became of an offer, as the citizen is told."""
    wanted = not known.has_appointment or (
        known.current_starts_at is not None and known.starts_at < known.current_starts_at
    )
    return model.current_state(known.state, known.expires_at, now, wanted=wanted)


async def accept(desk: Desk, tx: Transaction, offeree: Offeree, now: datetime) -> Booked:
    """The citizen takes what is offered: their appointment moves there, or they get one.

    Whatever stands against it, the offer is over: somebody was quicker, the clerk fell ill, the appointment is off.
    Raises OfferUnknown, OfferOver.
    """
    offer = offers.find(desk.offers, offeree.office)
    known = await offer_of(tx, offeree)
    try:
        if known.has_appointment:
            booked = await _move(desk, tx, offer, offeree, known, now)
        else:
            booked = await _book(desk, tx, offer, offeree, now)
    except (AppointmentUnknown, NotMovable, SlotNotOffered, SlotTaken) as reason:
        raise OfferOver from reason
    except (UnknownService, OneAtATime, OptionInvalid, TooLong) as reason:  # the office has changed what it offers
        raise OfferOver from reason
    await store.answer(tx, known.id, "accepted", now)
    await store.settle(tx, known.entry_id, "done", now)
    pause = desk.calendar.schedules.known(offer).schedule.buffer
    await store.use_up(tx, known.freed_id, booked.slot.ends_at + pause)
    tx.after_commit(desk.slot_freed)
    tx.after_commit(OFFERS.labels("accepted").inc)
    return booked


async def refuse(desk: Desk, tx: Transaction, offeree: Offeree, *, leave_list: bool, now: datetime) -> None:
    """The citizen does not want what is offered; they keep their place, or leave the list. Repeating it is no error.

    Raises OfferUnknown, and OfferOver once it was accepted.
    """
    known = await offer_of(tx, offeree, lock=True)
    if known.state == "accepted":
        raise OfferOver
    if known.state == "open":
        await store.answer(tx, known.id, "refused", now)
        await store.settle(tx, known.entry_id, "waiting", now)
        await _pass_on(desk, tx, offers.find(desk.offers, offeree.office), known.freed_id, now)
        tx.after_commit(OFFERS.labels("refused").inc)
    if leave_list:
        await store.settle(tx, known.entry_id, "left", now)


async def _move(desk: Desk, tx: Transaction, offer: Offer, offeree: Offeree, known: Known, now: datetime) -> Booked:
    appointment = await appointments_store.appointment(tx, known.office, known.appointment_id, lock=True)
    known = await _open(tx, offeree, now)
    if appointment is None:
        raise AppointmentUnknown
    return await appointments.move(
        desk,
        tx,
        offer,
        appointment,
        known.starts_at,
        [],  # nobody can hold what is kept for this citizen
        by="waiting_list",
        actor=offeree.name,
        now=now,
        lanes=frozenset({known.lane}),
        freed=known.freed_id,
    )


async def _book(desk: Desk, tx: Transaction, offer: Offer, offeree: Offeree, now: datetime) -> Booked:
    known = await _open(tx, offeree, now)
    if known.citizen is None:  # forgotten, because they left the list
        raise OfferOver
    order = Order(
        services=known.services,
        starts_at=known.starts_at,
        citizen=known.citizen,
        needs=known.needs,
        channel="waiting_list",
        at_once=True,
        lanes=frozenset({known.lane}),
        freed=known.freed_id,
    )
    return await appointments.book(
        desk, tx, offer, order, [], actor=offeree.name, now=now, appointment_id=known.appointment_id
    )


async def _open(tx: Transaction, offeree: Offeree, now: datetime) -> Known:
    """The offer, which nobody else can answer now. Raises OfferOver unless it is open."""
    known = await offer_of(tx, offeree, lock=True)
    if state_of(known, now) != "open":
        raise OfferOver
    return known


async def _pass_on(desk: Desk, tx: Transaction, offer: Offer, freed: UUID, now: datetime) -> None:
    """A freed slot that somebody did not want goes to the next, or to the public at a moment that they cannot know."""
    starts_at = await store.starts_at(tx, freed)
    if starts_at is not None:
        await store.keep_until(tx, freed, slots.returns(offer, starts_at, now), now)
    tx.after_commit(desk.slot_freed)
