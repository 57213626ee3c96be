"""What can be done in the queue: look, take a number, stay, leave. One function, one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from booking.appointments import store as appointments_store
from booking.appointments import usecases as appointments
from booking.desk import Desk
from booking.errors import AlreadyCalled, LimitReached, TicketUnknown, WalkInUnavailable
from booking.offers import model as offers
from booking.offers.model import Offer, Wanted
from booking.walkin import board, model, store
from booking.walkin.board import Situation
from booking.walkin.model import SILENCE, Party, TicketState, Unavailable
from booking.walkin.paces import Paces
from booking.walkin.store import Ticket, Visitor
from chassis.database import Transaction
from chassis.tokens import TokenSigner
from contracts.actors import WalkIn
from contracts.booking import BookedService

#: A ticket is good for a day of opening hours; the queue does not last longer.
_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Hall:
    """What the queue works with, put together once by the composition root."""

    desk: Desk
    tickets: TokenSigner
    paces: Paces
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
class Place:
    """Where in the queue somebody is: how many come before them, and how long it will probably take."""

    number: int
    state: TicketState
    ahead: int = 0
    estimate: timedelta | None = None
    link: str | None = None


@dataclass(frozen=True)
class Taken:
    """A number, and the secret by which its holder shows that it is theirs."""

    token: str
    place: Place


async def look(hall: Hall, tx: Transaction, offer: Offer, services: Sequence[Wanted], now: datetime) -> Look:
    """Whether somebody can come now without an appointment, and how long they would wait.

    Without `services` this is about the shortest one that the office offers. The estimate is None when nobody can come.
    Raises UnknownService, OneAtATime, TooLong.
    """
    queue = await store.waiting(tx, offer.office.slug, now)
    situation = await board.situation(hall.desk, hall.paces, tx, offer, now)
    booked = tuple(BookedService(service_id=service, persons=persons) for service, persons in services)
    return _look(offer, situation, queue, booked, now)


async def take(hall: Hall, tx: Transaction, offer: Offer, visitor: Visitor, now: datetime) -> Taken:
    """Takes the next number. Whoever calls it next sees it: the worker is woken when this is committed.

    Nobody stands in the queue twice. Raises WalkInUnavailable, LimitReached, UnknownService, OneAtATime, OptionInvalid,
    TooLong.
    """
    office = offer.office.slug
    offer.length(offers.wanted(visitor.services))
    offer.check_options(visitor.services)
    queue = await store.waiting(tx, office, now)
    situation = await board.situation(hall.desk, hall.paces, tx, offer, now)
    seen = _look(offer, situation, queue, visitor.services, now)
    if seen.reason is not None:
        raise WalkInUnavailable(seen.reason)
    await store.queue_up(tx, office)  # last, and not for long: everybody who comes passes here one by one
    if await store.waits_already(tx, office, visitor.citizen.email, now):
        raise LimitReached(
            "There is a number under this e-mail address already. Please wait on the page where you took it; if it is "
            "gone, take a new number in a minute.",
            retry_after_seconds=int(SILENCE.total_seconds()),
        )
    ticket = uuid4()
    day = now.astimezone(offer.office.zone).date()
    number = await store.add(tx, ticket, office, day, visitor, now)
    token = hall.tickets.sign({"sub": str(ticket), "office": office}, now=now, expires_at=now + _LIFETIME)
    tx.after_commit(hall.somebody_waits)
    return Taken(token, Place(number, "waiting", len(queue), seen.estimate))


async def stay(hall: Hall, tx: Transaction, holder: WalkIn, now: datetime) -> Place:
    """The holder is still here. Where they are in the queue, or the link to their appointment if they are called.

    Raises TicketUnknown.
    """
    ticket = await store.present(tx, holder, now)
    if ticket is None:
        raise TicketUnknown
    offer = offers.find(hall.desk.offers, holder.office)
    if ticket.appointment_id is not None:
        appointment = await appointments_store.appointment(tx, holder.office, ticket.appointment_id)
        if appointment is None or appointment.state != "booked":
            return Place(ticket.number, "gone")  # it is over, or the clerk has moved it: the mail has the new link
        return Place(ticket.number, "called", link=appointments.link_of(hall.desk, offer, appointment, now))
    if ticket.state != "waiting":
        return Place(ticket.number, ticket.state)
    tx.after_commit(hall.somebody_waits)
    queue = await store.waiting(tx, holder.office, now)
    ahead = next((index for index, other in enumerate(queue) if other.id == ticket.id), 0)
    situation = await board.situation(hall.desk, hall.paces, tx, offer, now)
    if situation is None:
        return Place(ticket.number, "waiting", ahead)
    served = situation.parties(offer, queue[: ahead + 1])
    turns = model.turns(situation.board, [party for _, party in served])
    mine = turns[-1] if served and served[-1][0].id == ticket.id else None
    return Place(ticket.number, "waiting", ahead, _until(mine, now))


async def leave(tx: Transaction, holder: WalkIn, now: datetime) -> None:
    """The holder goes; their data is erased. Who has gone already is gone. Raises TicketUnknown, AlreadyCalled."""
    state = await store.leave(tx, holder, now)
    if state is None:
        raise TicketUnknown
    if state == "called":
        raise AlreadyCalled


def _look(
    offer: Offer,
    situation: Situation | None,
    queue: Sequence[Ticket],
    services: Sequence[BookedService],
    now: datetime,
) -> Look:
    if not offer.office.booking.walk_in:
        return Look("switched_off", 0, None, None)
    if situation is None:
        return Look("closed", len(queue), None, None)
    closes_at = datetime.fromtimestamp(situation.board.office.closes, UTC)
    party = situation.party(offer, services) if services else _shortest(offer)
    if situation.start + timedelta(seconds=party.seconds) > closes_at:
        return Look("closed", len(queue), None, closes_at)
    lanes = situation.schedule.serving(party.services)
    at = situation.board.office.now
    if not situation.schedule.on_duty(lanes, at, timedelta(seconds=party.seconds)):
        return Look("nobody_free", len(queue), None, closes_at)
    turns = model.turns(situation.board, [*(each for _, each in situation.parties(offer, queue)), party])
    estimate = _until(turns[-1], now)
    # Who would not be served before the office closes is told so now, not after an hour of waiting.
    return Look("nobody_free" if estimate is None else None, len(queue), estimate, closes_at)


def _shortest(offer: Offer) -> Party:
    minutes = min(service.minutes for service in offer.services.values())
    return Party((), 60 * minutes, 60 * minutes)


def _until(turn: int | None, now: datetime) -> timedelta | None:
    return None if turn is None else max(timedelta(0), datetime.fromtimestamp(turn, UTC) - now)
