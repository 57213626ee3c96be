"""Calls the next ones of a queue: whoever came first and whose services fit what is free. The worker calls this."""

from datetime import datetime
from functools import partial
from typing import Final

from prometheus_client import Counter

from booking.appointments import usecases as appointments
from booking.appointments.orders import Order
from booking.errors import OneAtATime, OptionInvalid, SlotNotOffered, SlotTaken, TooLong, UnknownService
from booking.metrics import WALK_IN_WAIT_SECONDS
from booking.offices.model import MAX_LENGTH, BookableOffice
from booking.slots import usecases as slots
from booking.walkin import board, store
from booking.walkin.board import Situation
from booking.walkin.model import Party
from booking.walkin.store import Ticket
from booking.walkin.usecases import WalkInContext
from chassis.database import Database, Transaction
from chassis.metrics import at_zero
from contracts.ids import AppointmentId

#: Who acts when nobody does: what events say.
_ACTOR: Final = "system:booking"

CALLED: Final = Counter(
    "schalter_booking_walk_ins_total", "Citizens without an appointment, by what became of them.", ["outcome"]
)
at_zero(CALLED, ("called", "gone"))


async def call_waiting(context: WalkInContext, database: Database, bookable: BookableOffice, now: datetime) -> int:
    """Calls everybody of an office's queue for whom a clerk has time now. How many were called.

    In the order of their numbers; somebody is overtaken only by those whose services or length fit where theirs do
    not. Each called one has an appointment from this minute on, stored with its event in the transaction that marks
    the number as called, or neither. Of several processes one does it at a time; after a crash the next one goes on.
    """
    # Redis is asked before the database: a slow Redis must not keep a transaction open.
    start = now.replace(second=0, microsecond=0)
    held = await slots.holds_at(context.deps.calendar, bookable, start, MAX_LENGTH)
    office = bookable.office.slug
    called = 0
    async with database.transaction() as tx:
        if not await store.queue_is_ours(tx, office):
            return 0
        gone = await store.sweep(tx, office, now)
        queue = await store.waiting(tx, office, now)
        if not queue:
            return 0
        situation = await board.situation(context.deps, context.durations, tx, bookable, now, held=held)
        served = [] if situation is None else situation.parties(bookable, queue)
        for index, one in enumerate(served):
            assert situation is not None, "nobody is served in a closed office"
            rest = [other for _, other in served[index + 1 :]]
            called += await _call(context, tx, bookable, situation, one, rest, now)
        # The office has closed, or has dropped a service since: waiting on would be in vain, and the page says so.
        for ticket in queue:
            if ticket not in [one for one, _ in served]:
                await store.drop(tx, ticket.id, now)
                gone += 1
    CALLED.labels("gone").inc(gone)
    CALLED.labels("called").inc(called)
    return called


async def _call(
    context: WalkInContext,
    tx: Transaction,
    bookable: BookableOffice,
    situation: Situation,
    one: tuple[Ticket, Party],
    rest: list[Party],
    now: datetime,
) -> bool:
    """Calls one, if a lane is free now for as long as they need."""
    ticket, party = one
    visitor = None
    while seat := situation.board.seat(party, rest, now_only=True):
        visitor = visitor or await store.visitor(tx, ticket.id)
        if visitor is None:
            return False
        situation.board.take(seat, party.seconds)
        order = Order(
            visitor.services,
            situation.start,
            visitor.citizen,
            needs=visitor.needs,
            channel="walk_in",
            at_once=True,
            lanes=frozenset({seat.lane}),
            kept=True,
        )
        try:
            booked = await appointments.book(context.deps, tx, bookable, order, (), actor=_ACTOR, now=now)
        except (SlotTaken, SlotNotOffered):
            continue  # somebody has booked this lane since we looked; perhaps there is another
        except (UnknownService, OneAtATime, OptionInvalid, TooLong):  # the office has changed what it offers
            await store.drop(tx, ticket.id, now)
            tx.count(CALLED.labels("gone"))
            return False
        since = await store.called(tx, ticket.id, AppointmentId(booked.appointment_id), now)
        waited = WALK_IN_WAIT_SECONDS.labels(bookable.office.slug)
        tx.after_commit(partial(waited.observe, (now - since).total_seconds()))
        return True
    return False
