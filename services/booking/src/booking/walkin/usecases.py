"""What can be done in the queue: look, take a number, stay, leave. One function, one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from booking.appointments import store as appointments_store
from booking.appointments.links import link_of
from booking.dependencies import Dependencies
from booking.errors import AlreadyCalled, TicketUnknown, WalkInUnavailable
from booking.limits.model import Owes
from booking.offices import model as offices
from booking.offices.model import BookableOffice, Wanted
from booking.walkin import board, model, store
from booking.walkin.board import Situation
from booking.walkin.durations import Durations
from booking.walkin.model import Party, TicketState, Unavailable
from booking.walkin.store import Arrival, Ticket
from chassis.database import Transaction
from chassis.tokens import TokenSigner
from contracts.actors import WalkIn
from contracts.booking import BookedService

#: A ticket is good for a day of opening hours; the queue does not last longer.
_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True)
class WalkInContext:
    """What the queue works with, put together once by the composition root."""

    deps: Dependencies
    tickets: TokenSigner
    durations: Durations
    #: Tells the worker that somebody waits. It polls too: a lost call is made up for.
    somebody_waits: Callable[[], None]


@dataclass(frozen=True)
class Look:
    """How it is at the office for somebody who would come now."""

    reason: Unavailable | None
    waiting: int
    estimate: timedelta | None
    closes_at: datetime | None


@dataclass(frozen=True)
class QueuePosition:
    """Where in the queue somebody is: how many come before them, and how long it will probably take.

    Unless `staffed`, no clerk is there at the moment.
    """

    number: int
    state: TicketState
    ahead: int = 0
    estimate: timedelta | None = None
    link: str | None = None
    staffed: bool = True


@dataclass(frozen=True)
class Taken:
    """A number, and the secret by which its holder shows that it is theirs."""

    token: str
    place: QueuePosition


async def look(
    context: WalkInContext, tx: Transaction, bookable: BookableOffice, services: Sequence[Wanted], now: datetime
) -> Look:
    """Whether somebody can come now without an appointment, and how long they would wait.

    Without `services` this is about the shortest one that the office offers. The estimate is None when nobody can come.
    Raises UnknownService, OneAtATime, TooLong.
    """
    queue = await store.waiting(tx, bookable.office.slug, now)
    situation = await board.situation(context.deps, context.durations, tx, bookable, now)
    booked = tuple(BookedService(service_id=service, persons=persons) for service, persons in services)
    return _look(bookable, situation, queue, booked, now)


async def take(
    context: WalkInContext, tx: Transaction, bookable: BookableOffice, visitor: Arrival, owes: Owes, now: datetime
) -> Taken:
    """Takes the next number. Whoever calls it next sees it: the worker is woken when this is committed.

    Raises WalkInUnavailable, UnknownService, OneAtATime, OptionInvalid, TooLong, and what it `owes` if numbers wait
    under the same address.
    """
    office = bookable.office.slug
    bookable.length(offices.wanted_of(visitor.services))
    bookable.check_options(visitor.services)
    queue = await store.waiting(tx, office, now)
    situation = await board.situation(context.deps, context.durations, tx, bookable, now)
    seen = _look(bookable, situation, queue, visitor.services, now)
    if seen.reason is not None:
        raise WalkInUnavailable(seen.reason)
    await store.queue_up(tx, office)  # last, and not for long: everybody who comes passes here one by one
    owes(await store.waiting_under(tx, office, visitor.citizen.email, now))
    ticket = uuid4()
    day = now.astimezone(bookable.office.zone).date()
    number = await store.add(tx, ticket, office, day, visitor, now)
    token = context.tickets.sign({"sub": str(ticket), "office": office}, now=now, expires_at=now + _LIFETIME)
    tx.after_commit(context.somebody_waits)
    return Taken(token, QueuePosition(number, "waiting", len(queue), seen.estimate))


async def stay(context: WalkInContext, tx: Transaction, holder: WalkIn, now: datetime) -> QueuePosition:
    """The holder is still here. Where they are in the queue, or the link to their appointment if they are called.

    Raises TicketUnknown.
    """
    ticket = await store.present(tx, holder, now)
    if ticket is None:
        raise TicketUnknown
    bookable = offices.find(context.deps.offices, holder.office)
    if ticket.appointment_id is not None:
        appointment = await appointments_store.appointment(tx, holder.office, ticket.appointment_id)
        if appointment is None or appointment.state != "booked":
            return QueuePosition(
                ticket.number, "gone"
            )  # it is over, or the clerk has moved it: the mail has the new link
        return QueuePosition(ticket.number, "called", link=link_of(context.deps, bookable, appointment, now))
    if ticket.state != "waiting":
        return QueuePosition(ticket.number, ticket.state)
    tx.after_commit(context.somebody_waits)
    queue = await store.waiting(tx, holder.office, now)
    ahead = next((index for index, other in enumerate(queue) if other.id == ticket.id), 0)
    situation = await board.situation(context.deps, context.durations, tx, bookable, now)
    if situation is None:
        return QueuePosition(ticket.number, "waiting", ahead, staffed=False)
    served = situation.parties(bookable, queue[: ahead + 1])
    turns = model.turns(situation.board, [party for _, party in served])
    mine = turns[-1] if served and served[-1][0].id == ticket.id else None
    return QueuePosition(ticket.number, "waiting", ahead, _until(mine, now), staffed=bool(situation.board.office.lanes))


async def leave(tx: Transaction, holder: WalkIn, now: datetime) -> None:
    """The holder goes; their data is erased. Who has gone already is gone. Raises TicketUnknown, AlreadyCalled."""
    state = await store.leave(tx, holder, now)
    if state is None:
        raise TicketUnknown
    if state == "called":
        raise AlreadyCalled


def _look(
    bookable: BookableOffice,
    situation: Situation | None,
    queue: Sequence[Ticket],
    services: Sequence[BookedService],
    now: datetime,
) -> Look:
    if not bookable.office.booking.walk_in:
        return Look("switched_off", 0, None, None)
    if situation is None:
        return Look("closed", len(queue), None, None)
    closes_at = datetime.fromtimestamp(situation.board.office.closes, UTC)
    party = situation.party(bookable, services) if services else _shortest(bookable)
    if situation.start + timedelta(seconds=party.seconds) > closes_at:
        return Look("closed", len(queue), None, closes_at)
    if not situation.board.office.lanes:
        return Look("nobody_here", len(queue), None, closes_at)
    lanes = situation.schedule.serving(party.services)
    at = situation.board.office.now
    if not situation.schedule.on_duty(lanes, at, timedelta(seconds=party.seconds)):
        return Look("nobody_free", len(queue), None, closes_at)
    turns = model.turns(situation.board, [*(each for _, each in situation.parties(bookable, queue)), party])
    estimate = _until(turns[-1], now)
    # Who would not be served before the office closes is told so now, not after an hour of waiting.
    return Look("nobody_free" if estimate is None else None, len(queue), estimate, closes_at)


def _shortest(bookable: BookableOffice) -> Party:
    minutes = min(service.minutes for service in bookable.services.values())
    return Party((), 60 * minutes, 60 * minutes)


def _until(turn: int | None, now: datetime) -> timedelta | None:
    return None if turn is None else max(timedelta(0), datetime.fromtimestamp(turn, UTC) - now)
