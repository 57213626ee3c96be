"""What those who wait can do: wait, look, stop waiting, accept, refuse. One function, one transaction."""

from datetime import date, datetime, timedelta
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
    WaitingOver,
)
from booking.offers import model as offers
from booking.offers.model import Offer
from booking.slots import usecases as slots
from booking.waiting import model, store
from booking.waiting.offering import OFFERS
from booking.waiting.store import Entry, Known
from chassis.database import Transaction
from contracts.actors import Citizen, Listed, Offeree
from contracts.booking import BookingErased, WaitingJoined
from contracts.ids import AppointmentId


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
    """Somebody who found no slot waits for one; the entry's id. WaitingJoined tells notify, which mails their link.

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
    entry_id = await store.join(tx, office, entry, now)
    ends_at = _until(offer, now, entry.last_day)
    event = WaitingJoined(
        office=office,
        appointment_id=AppointmentId(entry_id),
        services=entry.services,
        first_day=entry.first_day,
        last_day=entry.last_day,
        # Nobody is called about it, and days are the office's.
        citizen=entry.citizen.model_copy(update={"phone": None, "time_zone": None}),
        link_token=desk.waiting_links.sign({"sub": str(entry_id), "office": office}, now=now, expires_at=ends_at),
        ends_at=ends_at,
    )
    await tx.publish(event, actor="citizen")
    return entry_id


async def listed_of(tx: Transaction, listed: Listed) -> store.Listed:
    """The entry of a link. Raises WaitingOver once it is forgotten."""
    entry = await store.listed(tx, listed.office, listed.sub)
    if entry is None:
        raise WaitingOver
    return entry


def entry_state(entry: store.Listed, now: datetime) -> model.EntryState:
    """How it stands, as the citizen is told: an offer whose time is over is none, whenever the worker notices."""
    over = entry.state == "offered" and (entry.offered_until is None or entry.offered_until <= now)
    return "waiting" if over else entry.state


def waits_until(entry: store.Listed, offer: Offer) -> datetime:
    """When the waiting ends by itself."""
    return _until(offer, entry.since, entry.last_day)


async def leave(desk: Desk, tx: Transaction, listed: Listed, now: datetime) -> None:
    """Somebody without an appointment waits no longer, and is forgotten, also by notify; what is offered to them goes
    to the next. Repeating it is no error. Raises WaitingOver."""
    await listed_of(tx, listed)
    await _leave(desk, tx, offers.find(desk.offers, listed.office), listed.sub, listed.name, now)


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
    if leave_list and known.has_appointment:
        await store.settle(tx, known.entry_id, "left", now)
    elif leave_list:
        await _leave(desk, tx, offers.find(desk.offers, offeree.office), known.entry_id, offeree.name, now)


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


async def _leave(desk: Desk, tx: Transaction, offer: Offer, entry: UUID, actor: str, now: datetime) -> None:
    """Takes an entry without an appointment off the list, unless it is off already, and forgets who it was of."""
    left, freed = await store.leave_entry(tx, offer.office.slug, entry, now)
    for slot in freed:
        await _pass_on(desk, tx, offer, slot, now)
        tx.after_commit(OFFERS.labels("refused").inc)
    if left:
        event = BookingErased(office=offer.office.slug, appointment_id=AppointmentId(entry), erased_at=now)
        await tx.publish(event, actor=actor)


def _until(offer: Offer, since: datetime, last_day: date | None) -> datetime:
    horizon = timedelta(days=offer.office.booking.horizon_days)
    return model.waits_until(since, last_day, horizon=horizon, zone=offer.office.zone)


async def _pass_on(desk: Desk, tx: Transaction, offer: Offer, freed: UUID, now: datetime) -> None:
    """A freed slot that somebody did not want goes to the next, or to the public at a moment that they cannot know."""
    starts_at = await store.starts_at(tx, freed)
    if starts_at is not None:
        await store.keep_until(tx, freed, slots.returns(offer, starts_at, now), now)
    tx.after_commit(desk.slot_freed)
