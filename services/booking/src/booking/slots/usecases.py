"""Free slots and holds: one function, one transaction."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import structlog

from booking.errors import HoldGone, HoldsUnavailable, RangeTooLong, SlotNotOffered, SlotTaken
from booking.limits.counters import Toll
from booking.offices.model import BookableOffice, Wanted
from booking.slots import model, store
from booking.slots.contention import SlotQueues
from booking.slots.holds import HeldBusy, Hold, Holds, HoldsLostError
from booking.slots.model import Occupied, Slot
from booking.timetable.model import BusyTime, Schedule
from booking.timetable.schedules import Schedules
from chassis.database import Database, Transaction
from chassis.problems import Problem
from contracts.ids import AppointmentId

log = structlog.get_logger(__name__)

MAX_DAYS: Final = 62
ALTERNATIVES: Final = 6


@dataclass(frozen=True)
class Calendar:
    """What is needed to tell which slots are free."""

    schedules: Schedules
    holds: Holds
    queues: SlotQueues = field(default_factory=SlotQueues)


@dataclass(frozen=True)
class Wish:
    """Somebody looks for a slot: for which services, how long, and what of their own is not in their way."""

    services: tuple[str, ...]
    length: timedelta
    own_hold: UUID | None = None
    own_appointment: AppointmentId | None = None

    @classmethod
    def of(
        cls,
        bookable: BookableOffice,
        wanted: Sequence[Wanted],
        *,
        own_hold: UUID | None = None,
        own_appointment: AppointmentId | None = None,
    ) -> "Wish":
        """The wish for all that is `wanted`. Raises UnknownService, OneAtATime, TooLong."""
        services = tuple(service for service, _ in wanted)
        return cls(services, bookable.length(wanted), own_hold, own_appointment)


async def free_starts(
    calendar: Calendar,
    tx: Transaction,
    bookable: BookableOffice,
    wish: Wish,
    days: tuple[date, date],
    *,
    now: datetime,
) -> list[int]:
    """Where the free slots for `wish` begin on the office's local `days` (first and last), in ascending order.

    What others hold is taken; the citizen's own hold is not. Raises RangeTooLong beyond 62 days.
    """
    _check(days)
    return await _free(calendar, tx, bookable, wish, days, now=now)


async def free_slots(
    calendar: Calendar,
    tx: Transaction,
    bookable: BookableOffice,
    wish: Wish,
    days: tuple[date, date],
    *,
    now: datetime,
) -> list[Slot]:
    """As `free_starts`, whole slots."""
    starts = await free_starts(calendar, tx, bookable, wish, days, now=now)
    return [model.slot(start, wish.length) for start in starts]


async def slots_for_clerks(
    calendar: Calendar,
    tx: Transaction,
    bookable: BookableOffice,
    wish: Wish,
    days: tuple[date, date],
    *,
    now: datetime,
) -> list[tuple[Slot, datetime | None]]:
    """As `free_slots` for who acts on behalf of citizens: the next one may begin now, and slots are free that somebody
    gave back and nobody of the waiting list is offered; with each of these, when the public sees it again.

    Raises RangeTooLong.
    """
    _check(days)
    found = await _looked(calendar, tx, bookable, wish, days, now=now, for_clerks=True)
    if found is None:
        return []
    starts, seconds, lanes, busy = found
    taken = list(busy)
    low, high = model.slot(starts[0], wish.length).starts_at, model.slot(starts[-1] + seconds, timedelta(0)).starts_at
    kept = await store.kept(tx, bookable.office.slug, low, high, now)
    free = model.free(starts, seconds, lanes, taken)
    returning = model.returning(free, seconds, lanes, taken, kept)
    return [(model.slot(start, wish.length), returning.get(start)) for start in free]


async def hold(
    calendar: Calendar,
    database: Database,
    bookable: BookableOffice,
    wish: Wish,
    starts_at: datetime,
    *,
    toll: Toll,
    now: datetime,
) -> Hold:
    """Keeps a slot for five minutes. With the id of a living hold (`wish.own_hold`), that one moves, or stays.

    Raises SlotNotOffered, SlotTaken, HoldsUnavailable, and what the `toll` asks for.
    """
    office = bookable.office.slug
    # The connection is given back before Redis is asked: a slow Redis must not keep it.
    async with database.autocommit() as tx:
        schedule, taken = await read(calendar, tx, bookable, starts_at, starts_at + wish.length, wish, now)
        if refusal := schedule.refusal(starts_at, wish.length, now):
            raise SlotNotOffered(refusal, await alternatives(calendar, tx, bookable, wish, starts_at, now))
        start = int(starts_at.timestamp())
        end = start + occupied_seconds(schedule, wish.length)
        on_duty = schedule.on_duty(schedule.serving(wish.services), start, wish.length)
        if not on_duty:
            raise SlotNotOffered("nobody_on_duty", await alternatives(calendar, tx, bookable, wish, starts_at, now))
        busy = {lane for lane, low, high in taken if low < end and high > start}
    try:
        placed = await calendar.holds.place(
            office,
            wish.own_hold or uuid4(),
            (start, end),
            lanes=[lane for lane in on_duty if lane not in busy],
            now=now,
            toll=toll,
        )
    except HoldsLostError:
        raise HoldsUnavailable from None
    if placed is None:
        async with database.transaction() as tx:
            raise SlotTaken(await alternatives(calendar, tx, bookable, wish, starts_at, now))
    if isinstance(placed, Problem):
        raise placed
    return placed


async def extend_hold(calendar: Calendar, bookable: BookableOffice, hold_id: UUID, now: datetime) -> Hold:
    """Keeps the slot for five minutes from now, but never longer than twenty in all. Raises HoldGone."""
    try:
        extended = await calendar.holds.extend(bookable.office.slug, hold_id, now=now)
    except HoldsLostError:
        raise HoldsUnavailable from None
    if extended is None:
        raise HoldGone
    return extended


async def release_hold(calendar: Calendar, bookable: BookableOffice, hold_id: UUID, toll: Toll) -> None:
    """Gives a slot back, which counts no more. Without Redis there is nothing to give back."""
    try:
        await calendar.holds.give_back(bookable.office.slug, hold_id, toll.windows, toll.member)
    except HoldsLostError:
        log.info("hold_not_released")


async def holds_at(
    calendar: Calendar, bookable: BookableOffice, starts_at: datetime, length: timedelta
) -> list[HeldBusy]:
    """All holds that overlap such an appointment; none when Redis is away."""
    start = int(starts_at.timestamp())
    end = start + occupied_seconds(calendar.schedules.known(bookable).schedule, length)
    try:
        return await calendar.holds.active(bookable.office.slug, start, end)
    except HoldsLostError:
        return []


async def read(
    calendar: Calendar,
    tx: Transaction,
    bookable: BookableOffice,
    low: datetime,
    high: datetime,
    wish: Wish,
    now: datetime,
) -> tuple[Schedule, list[BusyTime]]:
    """The schedule that holds, and what takes its lanes between `low` and `high`; one statement, unless it was edited.

    The pause after an appointment that ends at `high` is looked at as well.
    """
    known = calendar.schedules.known(bookable)
    office = bookable.office.slug
    taken = await store.taken(tx, office, low, high + known.schedule.buffer, now=now, own=wish.own_appointment)
    if taken.version != known.version:
        known = await calendar.schedules.refresh(tx, bookable)
    return known.schedule, taken.busy


async def alternatives(
    calendar: Calendar, tx: Transaction, bookable: BookableOffice, wish: Wish, wanted: datetime, now: datetime
) -> list[Slot]:
    """The free slots closest to `wanted`: those around that day, or if there are none, of all that can be booked.

    That day alone is enough if no other can have closer ones: fifty who lose a race ask at the same time.
    """
    schedule = calendar.schedules.known(bookable).schedule
    day = schedule.today(min(max(wanted, now), now + schedule.horizon))
    midnights = [datetime.combine(each, time(), schedule.zone) for each in (day, day + timedelta(days=1))]
    for reach in (timedelta(0), timedelta(days=2), schedule.horizon):
        free = await _free(calendar, tx, bookable, wish, (day - reach, day + reach), now=now)
        found = model.nearest(free, wanted, ALTERNATIVES)
        closest_of_all = len(found) == ALTERNATIVES and model.none_closer_beyond(found, wanted, *midnights)
        if closest_of_all or (found and reach):
            return [model.slot(start, wish.length) for start in found]
    return []


def returns(bookable: BookableOffice, starts_at: datetime, now: datetime) -> datetime:
    """When a slot that is given back at `now` is shown to the public again, drawn from the office's delay."""
    rules = bookable.office.booking
    shortest, longest = (60 * minutes for minutes in rules.freed_delay_minutes)
    return model.returns_at(
        starts_at,
        now,
        delay=timedelta(seconds=shortest + secrets.randbelow(longest - shortest + 1)),
        lead=timedelta(minutes=rules.lead_minutes),
    )


def occupied_seconds(schedule: Schedule, length: timedelta) -> int:
    """How long an appointment of `length` takes of its lane: with the pause after it."""
    return int((length + schedule.buffer).total_seconds())


def _check(days: tuple[date, date]) -> None:
    first, last = days
    if not 0 <= (last - first).days < MAX_DAYS:
        raise RangeTooLong(MAX_DAYS)


class _Look(NamedTuple):
    """What `model.free` needs."""

    starts: Sequence[int]
    seconds: int
    lanes: Sequence[int]
    busy: Iterable[Occupied]


async def _free(
    calendar: Calendar,
    tx: Transaction,
    bookable: BookableOffice,
    wish: Wish,
    days: tuple[date, date],
    *,
    now: datetime,
) -> list[int]:
    found = await _looked(calendar, tx, bookable, wish, days, now=now)
    return model.free(*found) if found else []


async def _looked(
    calendar: Calendar,
    tx: Transaction,
    bookable: BookableOffice,
    wish: Wish,
    days: tuple[date, date],
    *,
    now: datetime,
    for_clerks: bool = False,
) -> _Look | None:
    known = calendar.schedules.known(bookable)
    while True:  # once more if the timetable was edited since this process last looked
        schedule = known.schedule
        starts = schedule.offered(*days, wish.length, now, lead=timedelta(0) if for_clerks else None)
        if not starts:
            newest = await calendar.schedules.refresh(tx, bookable)
            if newest is known:
                return None
            known = newest
            continue
        length = occupied_seconds(schedule, wish.length)
        low, high = (
            model.slot(starts[0], wish.length).starts_at,
            model.slot(starts[-1] + length, timedelta(0)).starts_at,
        )
        try:
            held = await calendar.holds.shown(bookable.office.slug, starts[0], starts[-1] + length)
        except HoldsLostError:
            held = []
        taken = await store.taken(
            tx, bookable.office.slug, low, high, now=now, own=wish.own_appointment, for_clerks=for_clerks
        )
        if taken.version == known.version:
            lanes = schedule.serving(wish.services)
            others = (other.busy for other in held if other.id != wish.own_hold)
            absent = schedule.off_duty(lanes, starts[0], starts[-1] + length)
            return _Look(starts, length, [lane.number for lane in lanes], chain(taken, others, absent))
        known = await calendar.schedules.refresh(tx, bookable)
