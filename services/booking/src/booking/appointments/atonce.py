"""Booking in one statement: the way of nearly every booking.

The appointment, its event, the answer for a repetition and the limit per e-mail address go to the database in one round
trip, where `usecases.book` within `once` takes six. What else comes in between (a repetition, an edited timetable, a
limit) leaves nothing behind; the thorough way then finds out what to say.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from booking.appointments import store
from booking.appointments.store import Outcome, Place
from booking.appointments.usecases import FIRST_GENERATION, Booked, Order, completed, link, link_token, place_of
from booking.desk import Desk
from booking.errors import SlotTaken
from booking.offers.model import Offer, wanted
from booking.slots import usecases as slots
from booking.slots.holds import HeldBusy
from booking.slots.model import Slot
from booking.slots.rush import Target
from booking.slots.usecases import Wish
from chassis.database import Database, Transaction
from contracts.ids import AppointmentId


async def book(
    desk: Desk,
    database: Database,
    offer: Offer,
    order: Order,
    holds: Sequence[HeldBusy],
    keep: Callable[[Booked], Mapping[str, object]],
    repeated: Callable[[Transaction], Awaitable[bool]],
    *,
    now: datetime,
) -> Booked | None:
    """Books for a citizen; or does nothing: None, and `usecases.book` books all the same or says why not.

    `keep`: the parameters of `chassis.idempotency.KEEP`; `repeated`: whether the request was granted before.
    Raises UnknownService, OneAtATime, OptionInvalid, TooLong, SlotTaken, Busy.
    """
    wish = Wish.of(offer, wanted(order.services), own_hold=order.hold_id)
    offer.check_options(order.services)
    slot = Slot(order.starts_at, order.starts_at + wish.length)
    place = place_of(desk, offer, wish, slot, holds, now, order)
    if not isinstance(place, Place):
        return None
    door = desk.calendar.rush.door(Target(offer.office.slug, wish.services, slot))
    arrival = door.arrive()
    async with door, database.autocommit() as tx:
        gone = door.refused_since(arrival)
        if gone is not None and place.own is None and not await repeated(tx):
            raise SlotTaken(gone)
        appointment_id = AppointmentId(uuid4())
        token = link_token(desk, offer, appointment_id, FIRST_GENERATION, slot, now)
        limit = offer.office.booking.max_open_per_email
        outcome: Outcome | None = "lost"
        while outcome == "lost":  # somebody else's commit took the lane; there are only so many
            event = completed(offer, order, appointment_id, slot, token)
            booked = Booked(appointment_id, event.reference, slot, link(desk, offer, token))
            outcome = await store.book_at_once(tx, event, place, keep(booked), max_open=limit, actor="citizen", now=now)
        if outcome == "taken":
            alternatives = await slots.alternatives(desk.calendar, tx, offer, wish, slot.starts_at, now)
            door.too_late(alternatives)
            raise SlotTaken(alternatives)
    return booked if outcome == "booked" else None
