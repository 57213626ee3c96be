"""Booking in one statement: the way of nearly every booking.

The appointment, its event, the answer for a repetition and the limit per e-mail address go to the database in one round
trip, where `usecases.book` within `once` takes six. What else comes in between (a repetition, an edited timetable, a
limit) leaves nothing behind; the thorough way then finds out what to say.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from booking.appointments import store
from booking.appointments.links import FIRST_GENERATION, Booked, link_token
from booking.appointments.orders import Order, completed, granted
from booking.appointments.store import Outcome, Place
from booking.appointments.usecases import place_of
from booking.dependencies import Dependencies
from booking.errors import SlotTaken
from booking.offices.model import BookableOffice, wanted_of
from booking.slots import usecases as slots
from booking.slots.contention import Target
from booking.slots.holds import HeldBusy
from booking.slots.model import Slot
from booking.slots.usecases import Wish
from chassis.database import Database, Transaction
from contracts.ids import AppointmentId


class Once(NamedTuple):
    """How one request is granted once: what `chassis.idempotency.KEEP` keeps of the answer, and whether it did."""

    keep: Callable[[Booked], Mapping[str, object]]
    repeated: Callable[[Transaction], Awaitable[bool]]


async def book(
    deps: Dependencies,
    database: Database,
    bookable: BookableOffice,
    order: Order,
    holds: Sequence[HeldBusy],
    once: Once,
    *,
    now: datetime,
) -> Booked | None:
    """Books for a citizen; or does nothing: None, and `usecases.book` books all the same or says why not.

    Raises UnknownService, OneAtATime, OptionInvalid, TooLong, SlotTaken, Busy.
    """
    wish = Wish.of(bookable, wanted_of(order.services), own_hold=order.hold_id)
    bookable.check_options(order.services)
    slot = Slot(order.starts_at, order.starts_at + wish.length)
    place = place_of(deps, bookable, wish, slot, holds, now, order)
    if not isinstance(place, Place):
        return None
    queue = deps.calendar.queues.queue(Target(bookable.office.slug, wish.services, slot))
    arrival = queue.arrive()
    async with queue, database.autocommit() as tx:
        gone = queue.refused_since(arrival)
        if gone is not None and place.own is None and not await once.repeated(tx):
            raise SlotTaken(gone)
        appointment_id = AppointmentId(uuid4())
        token = link_token(deps, bookable, appointment_id, FIRST_GENERATION, slot, now)
        limit = bookable.office.booking.max_open_per_email
        outcome: Outcome | None = "lost"
        while outcome == "lost":  # somebody else's commit took the lane; there are only so many
            event = completed(bookable, order, appointment_id, slot, token)
            grant = granted(deps, bookable, order, event, now)
            kept = once.keep(grant.booked)
            outcome = await store.book_at_once(tx, grant, place, kept, max_open=limit, actor="citizen", now=now)
        if outcome == "taken":
            alternatives = await slots.alternatives(deps.calendar, tx, bookable, wish, slot.starts_at, now)
            queue.too_late(alternatives)
            raise SlotTaken(alternatives)
    return grant.booked if outcome == "booked" else None
