"""What those who wait can do: wait, look, stop waiting, accept, refuse. One function, one transaction."""

from datetime import date, datetime, timedelta
from uuid import UUID

from booking.appointments import model as appointments_model
from booking.appointments import store as appointments_store
from booking.appointments import usecases as appointments
from booking.appointments.links import Booked
from booking.appointments.orders import Move, Order
from booking.dependencies import Dependencies
from booking.entries import store
from booking.entries.store import Entry, Known
from booking.errors import (
    AppointmentUnknown,
    DaysInvalid,
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
from booking.limits.model import Owes
from booking.offices import model as offices
from booking.offices.model import BookableOffice
from booking.slots import usecases as slots
from booking.waiting import model
from booking.waiting.offering import OFFERS
from chassis.database import Transaction
from contracts.actors import Citizen, Listed, Offeree
from contracts.booking import BookingErased, WaitingJoined
from contracts.ids import AppointmentId


async def wait(deps: Dependencies, tx: Transaction, citizen: Citizen, now: datetime) -> datetime:
    """The citizen wants an earlier slot than theirs; since when they wait. Repeating it keeps their place.

    Raises AppointmentUnknown, LinkExpired, NotMovable.
    """
    appointment = await appointments.appointment_of(tx, citizen, lock=True)
    if not appointments_model.changeable(appointment.state, appointment.starts_at, now):
        raise NotMovable
    length = appointment.ends_at - appointment.starts_at
    minutes = int(length.total_seconds()) // 60
    tx.after_commit(deps.slot_freed)  # one that is free already may suit them
    return await store.wait(tx, citizen.office, appointment.id, minutes, now)


async def mailbox_of_who_comes_back(tx: Transaction, citizen: Citizen) -> str | None:
    """Whose mailbox gets offers anew if this citizen waits once more; None for who waits for the first time, or still.

    Whoever comes back may let as many offers pass unanswered as before.
    """
    found = await appointments_store.appointment_of(tx, citizen)
    if found is None or found.erased_at or not await store.comes_back(tx, citizen.office, found.id):
        return None
    return found.email


async def stop_waiting(deps: Dependencies, tx: Transaction, citizen: Citizen, now: datetime) -> None:
    """The citizen waits no longer; what is offered to them goes to the next. Raises AppointmentUnknown, LinkExpired."""
    appointment = await appointments.appointment_of(tx, citizen, lock=True)
    bookable = offices.find(deps.offices, citizen.office)
    for freed in await store.leave(tx, citizen.office, appointment.id, now):
        await _pass_on(deps, tx, bookable, freed, now)


async def join(
    deps: Dependencies, tx: Transaction, bookable: BookableOffice, entry: Entry, owes: Owes, now: datetime
) -> UUID:
    """Somebody who found no slot waits for one; the entry's id. WaitingJoined tells notify, which mails their link.

    Raises DaysInvalid for days that nobody can wait for, and what it `owes`: entries count like appointments (S4).
    """
    office, rules = bookable.office.slug, bookable.office.booking
    today = now.astimezone(bookable.office.zone).date()
    if entry.last_day and entry.last_day < today:
        raise DaysInvalid("last", "lies in the past")
    if entry.first_day and entry.first_day > today + timedelta(days=rules.horizon_days):
        raise DaysInvalid("first", "is further ahead than the office takes appointments")
    waiting = await store.waiting_under(tx, office, entry.citizen.email)
    owes(waiting + await appointments.beyond_usual(tx, bookable, entry.citizen.email, now))
    tx.after_commit(deps.slot_freed)
    entry_id = await store.join(tx, office, entry, now)
    ends_at = _until(bookable, now, entry.last_day)
    event = WaitingJoined(
        office=office,
        appointment_id=AppointmentId(entry_id),
        services=entry.services,
        first_day=entry.first_day,
        last_day=entry.last_day,
        # Nobody is called about it, and days are the office's.
        citizen=entry.citizen.model_copy(update={"phone": None, "time_zone": None}),
        link_token=deps.waiting_links.sign({"sub": str(entry_id), "office": office}, now=now, expires_at=ends_at),
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


def waits_until(entry: store.Listed, bookable: BookableOffice) -> datetime:
    """When the waiting ends by itself."""
    return _until(bookable, entry.since, entry.last_day)


async def leave(deps: Dependencies, tx: Transaction, listed: Listed, now: datetime) -> None:
    """Somebody without an appointment waits no longer, and is forgotten, also by notify; what is offered to them goes
    to the next. Repeating it is no error. Raises WaitingOver."""
    await listed_of(tx, listed)
    await _leave(deps, tx, offices.find(deps.offices, listed.office), listed.sub, listed.name, now)


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


async def accept(deps: Dependencies, tx: Transaction, offeree: Offeree, now: datetime) -> Booked:
    """The citizen takes what is offered: their appointment moves there, or they get one.

    Whatever stands against it, the offer is over: somebody was quicker, the clerk fell ill, the appointment is off.
    Raises OfferUnknown, and OfferOver, after which `give_up` is called for.
    """
    bookable = offices.find(deps.offices, offeree.office)
    known = await offer_of(tx, offeree)
    try:
        if known.has_appointment:
            booked = await _move(deps, tx, bookable, offeree, known, now)
        else:
            booked = await _book(deps, tx, bookable, offeree, now)
    except (AppointmentUnknown, NotMovable, SlotNotOffered, SlotTaken) as reason:
        raise OfferOver from reason
    except (UnknownService, OneAtATime, OptionInvalid, TooLong) as reason:  # the office has changed what it offers
        raise OfferOver from reason
    await store.answer(tx, known.id, "accepted", now)
    await store.settle(tx, known.entry_id, "done", now)
    pause = deps.calendar.schedules.known(bookable).schedule.buffer
    await store.use_up(tx, known.freed_id, booked.slot.ends_at + pause)
    tx.after_commit(deps.slot_freed)
    tx.count(OFFERS.labels("accepted"))
    return booked


async def give_up(deps: Dependencies, tx: Transaction, offeree: Offeree, now: datetime) -> None:
    """Ends an offer that cannot be had after all. It is not the citizen's fault: they wait on in their place."""
    known = await offer_of(tx, offeree, lock=True)
    if known.state != "open":
        return
    await store.answer(tx, known.id, "expired", now)
    await store.settle(tx, known.entry_id, "waiting", now)
    await _pass_on(deps, tx, offices.find(deps.offices, offeree.office), known.freed_id, now)
    tx.count(OFFERS.labels("impossible"))


async def refuse(deps: Dependencies, tx: Transaction, offeree: Offeree, *, leave_list: bool, now: datetime) -> None:
    """The citizen does not want what is offered; they keep their place, or leave the list. Repeating it is no error.

    Raises OfferUnknown, and OfferOver once it was accepted.
    """
    known = await offer_of(tx, offeree, lock=True)
    if known.state == "accepted":
        raise OfferOver
    if known.state == "open":
        await store.answer(tx, known.id, "refused", now)
        await store.settle(tx, known.entry_id, "waiting", now)
        await _pass_on(deps, tx, offices.find(deps.offices, offeree.office), known.freed_id, now)
        tx.count(OFFERS.labels("refused"))
    if leave_list and known.has_appointment:
        await store.settle(tx, known.entry_id, "left", now)
    elif leave_list:
        await _leave(deps, tx, offices.find(deps.offices, offeree.office), known.entry_id, offeree.name, now)


async def _move(
    deps: Dependencies, tx: Transaction, bookable: BookableOffice, offeree: Offeree, known: Known, now: datetime
) -> Booked:
    appointment = await appointments_store.appointment(tx, known.office, known.appointment_id, lock=True)
    known = await _open(tx, offeree, now)
    if appointment is None:
        raise AppointmentUnknown
    return await appointments.move(
        deps,
        tx,
        bookable,
        appointment,
        Move(
            known.starts_at,
            by="waiting_list",
            actor=offeree.name,
            lanes=frozenset({known.lane}),
            freed=known.freed_id,
        ),
        [],  # nobody can hold what is kept for this citizen
        now,
    )


async def _book(
    deps: Dependencies, tx: Transaction, bookable: BookableOffice, offeree: Offeree, now: datetime
) -> Booked:
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
        appointment_id=known.appointment_id,
    )
    return await appointments.book(deps, tx, bookable, order, [], actor=offeree.name, now=now)


async def _open(tx: Transaction, offeree: Offeree, now: datetime) -> Known:
    """The offer, which nobody else can answer now. Raises OfferOver unless it is open."""
    known = await offer_of(tx, offeree, lock=True)
    if state_of(known, now) != "open":
        raise OfferOver
    return known


async def _leave(
    deps: Dependencies, tx: Transaction, bookable: BookableOffice, entry: UUID, actor: str, now: datetime
) -> None:
    """Takes an entry without an appointment off the list, unless it is off already, and forgets who it was of."""
    left, freed = await store.leave_entry(tx, bookable.office.slug, entry, now)
    for slot in freed:
        await _pass_on(deps, tx, bookable, slot, now)
        tx.count(OFFERS.labels("refused"))
    if left:
        event = BookingErased(office=bookable.office.slug, appointment_id=AppointmentId(entry), erased_at=now)
        await tx.publish(event, actor=actor)


def _until(bookable: BookableOffice, since: datetime, last_day: date | None) -> datetime:
    horizon = timedelta(days=bookable.office.booking.horizon_days)
    return model.waits_until(since, last_day, horizon=horizon, zone=bookable.office.zone)


async def _pass_on(deps: Dependencies, tx: Transaction, bookable: BookableOffice, freed: UUID, now: datetime) -> None:
    """A freed slot that somebody did not want goes to the next, or to the public at a moment that they cannot know."""
    starts_at = await store.starts_at(tx, freed)
    if starts_at is not None:
        await store.keep_until(tx, freed, slots.returns(bookable, starts_at, now), now)
    tx.after_commit(deps.slot_freed)
