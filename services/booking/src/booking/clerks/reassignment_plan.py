"""Where the appointments of a clerk who is not there can go. Plain Python; instants as in `timetable.model`.

Each appointment stays at its time if another clerk is free and trained for it. Only then are the others moved, by their
start, so that nobody who has to move takes the place of somebody who could stay.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from booking.slots import model as slots
from booking.timetable.model import BusyTime, Lane, Schedule

#: Why an appointment cannot go elsewhere: it has begun; nobody else is trained for it; no free slot within the horizon.
Stuck = Literal["begun", "nobody_trained", "no_room"]


class Bound(NamedTuple):
    """An appointment that cannot be where it is. `until` is the end of the pause after it."""

    id: UUID
    services: tuple[str, ...]
    start: int
    end: int
    until: int

    @property
    def length(self) -> timedelta:
        """How long the citizen talks with the clerk."""
        return timedelta(seconds=self.end - self.start)


class Spot(NamedTuple):
    """Where an appointment goes."""

    lane: int
    start: int


class ReassignmentPlan(NamedTuple):
    """What becomes of each appointment."""

    kept: Mapping[UUID, Spot]
    moved: Mapping[UUID, Spot]
    left: Mapping[UUID, Stuck]


def stay(schedule: Schedule, bound: Bound, busy: Iterable[BusyTime]) -> Spot | None:
    """Another lane at the same time, the lowest that is free and trained; None without any."""
    lanes = _free(schedule, bound, bound.start, busy)
    return Spot(min(lanes), bound.start) if lanes else None


def elsewhere(schedule: Schedule, bound: Bound, busy: Sequence[BusyTime], now: datetime) -> Spot | Stuck:
    """The free slot nearest to the old time on its day, else the next one on a later day; or why there is none.

    Never before `now` plus the lead time, nor after the horizon.
    """
    if bound.start <= now.timestamp():
        return "begun"
    lanes = schedule.serving(bound.services)
    if not lanes:
        return "nobody_trained"
    old = datetime.fromtimestamp(bound.start, UTC)
    day = schedule.today(old)
    starts = _free_starts(schedule, bound, lanes, busy, schedule.offered(day, day, bound.length, now))
    starts = slots.nearest(starts, old, len(starts))
    while True:
        for start in starts:
            if free := _free(schedule, bound, start, busy):
                return Spot(min(free), start)
        if day >= schedule.last_day(now):
            return "no_room"
        day += timedelta(days=1)
        starts = _free_starts(schedule, bound, lanes, busy, schedule.offered(day, day, bound.length, now))


def plan(
    schedule: Schedule, bounds: Sequence[Bound], lane: int, others: Iterable[BusyTime], now: datetime
) -> ReassignmentPlan:
    """What becomes of `bounds`, the appointments of `lane`, when `others` are taken (the blocked time of `lane` too).

    Done one after the other it comes to the same: each step sees what the steps before have left.
    """
    pause = int(schedule.buffer.total_seconds())
    rest = list(others)
    taken = {bound.id: BusyTime(lane, bound.start, bound.until) for bound in bounds}
    kept: dict[UUID, Spot] = {}
    moved: dict[UUID, Spot] = {}
    left: dict[UUID, Stuck] = {}

    def seen_by(bound: Bound) -> list[BusyTime]:
        return [*rest, *(busy for id_, busy in taken.items() if id_ != bound.id)]

    def put(bound: Bound, spot: Spot) -> Spot:
        taken[bound.id] = BusyTime(spot.lane, spot.start, spot.start + bound.end - bound.start + pause)
        return spot

    by_start = sorted(bounds, key=lambda bound: (bound.start, bound.id))
    for bound in by_start:
        if bound.start > now.timestamp() and (spot := stay(schedule, bound, seen_by(bound))):
            kept[bound.id] = put(bound, spot)
    for bound in by_start:
        if bound.id in kept:
            continue
        found = elsewhere(schedule, bound, seen_by(bound), now)
        if isinstance(found, Spot):
            moved[bound.id] = put(bound, found)
        else:
            left[bound.id] = found
    return ReassignmentPlan(kept, moved, left)


def _free(schedule: Schedule, bound: Bound, start: int, busy: Iterable[BusyTime]) -> list[int]:
    """The lanes that are on duty, trained and free for `bound` at `start`, the pause after it included."""
    end = start + bound.end - bound.start
    if not schedule.open_throughout(start, end):
        return []
    until = end + int(schedule.buffer.total_seconds())
    gone = {lane for lane, low, high in busy if low < until and start < high}
    return [
        lane for lane in schedule.on_duty(schedule.serving(bound.services), start, bound.length) if lane not in gone
    ]


def _free_starts(
    schedule: Schedule, bound: Bound, lanes: Sequence[Lane], busy: Sequence[BusyTime], starts: Sequence[int]
) -> list[int]:
    if not starts:
        return []
    occupied = bound.end - bound.start + int(schedule.buffer.total_seconds())
    taken = [*busy, *schedule.off_duty(lanes, starts[0], starts[-1] + occupied)]
    return slots.free(starts, occupied, [lane.number for lane in lanes], taken)
