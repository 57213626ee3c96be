"""The rules of slots, plain Python: which of the times that an office offers are free. Instants as in `timetable`."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import NamedTuple

#: A lane, and from when until when it is taken: a `Busy`, or a tuple like it where there are thousands.
Occupied = tuple[int, int, int]


class Slot(NamedTuple):
    """A time that an appointment can take: both ends aware, in UTC; the end is exclusive."""

    starts_at: datetime
    ends_at: datetime


class Kept(NamedTuple):
    """A lane's time that somebody gave back, and when the public sees it again; until then it is kept from them."""

    lane: int
    start: int
    end: int
    public_at: datetime


def free(starts: Sequence[int], seconds: int, lanes: Collection[int], busy: Iterable[Occupied]) -> list[int]:
    """Those of `starts` (ascending) at which one of the `lanes` is free for `seconds`, the pause afterwards included.

    A range of time is looked up once, whichever lanes it takes: on a grid many appointments are the same range. Lanes
    are bits of a number; ranges of one lane may overlap, as those of a hold and an appointment that raced.
    """
    takers: dict[tuple[int, int], int] = {}
    for lane, low, high in busy:
        takers[low, high] = takers.get((low, high), 0) | 1 << lane
    everybody = _bits(lanes)
    if everybody & ~reduce(or_, takers.values(), 0):
        return list(starts)
    taken = [0] * len(starts)
    for (low, high), who in takers.items():
        for at in range(bisect_right(starts, low - seconds), bisect_left(starts, high)):
            taken[at] |= who
    return [start for start, who in zip(starts, taken, strict=True) if who & everybody != everybody]


def returning(
    starts: Sequence[int], seconds: int, lanes: Collection[int], busy: Iterable[Occupied], kept: Iterable[Kept]
) -> dict[int, datetime]:
    """When those of `starts` (ascending) are free for the public that are free now only because all there is is `kept`.

    `busy` is what takes lanes besides that. The others of `starts` are free for everybody.
    """
    taken, left = list(busy), sorted(kept, key=lambda one: one.public_at)
    now_public = set(free(starts, seconds, lanes, [*taken, *(one[:3] for one in left)]))
    open_ones = [start for start in starts if start not in now_public]
    found: dict[int, datetime] = {}
    while open_ones and left:
        public_at = left[0].public_at
        left = [one for one in left if one.public_at > public_at]
        then = free(open_ones, seconds, lanes, [*taken, *(one[:3] for one in left)])
        found.update(dict.fromkeys(then, public_at))
        open_ones = [start for start in open_ones if start not in found]
    return found


def nearest(starts: Sequence[int], wanted: datetime, count: int) -> list[int]:
    """The `count` of `starts` (ascending) closest to `wanted`, closest first; of two equally close, the later first."""
    at = wanted.timestamp()
    middle = bisect_left(starts, at)
    around = starts[max(0, middle - count) : middle + count]
    return sorted(around, key=lambda start: (abs(start - at), start < at))[:count]


def none_closer_beyond(found: Sequence[int], wanted: datetime, low: datetime, high: datetime) -> bool:
    """Whether nothing before `low` or from `high` on can be closer to `wanted` than all of `found`, closest first."""
    margin = min(wanted - low, high - wanted).total_seconds()
    return abs(found[-1] - wanted.timestamp()) < margin


def slot(start: int, length: timedelta) -> Slot:
    """The slot that begins at `start` (seconds since 1970)."""
    starts_at = datetime.fromtimestamp(start, UTC)
    return Slot(starts_at, starts_at + length)


def from_instant(starts: Sequence[int], instant: datetime) -> Sequence[int]:
    """Those of `starts` (ascending) that are not before `instant`."""
    return starts[bisect_left(starts, instant.timestamp()) :]


def returns_at(starts_at: datetime, now: datetime, *, delay: timedelta, lead: timedelta) -> datetime:
    """When a slot that somebody gave back is shown to the public again: after a random `delay`, chosen by the caller.

    Whoever waits for a slot to be given back (or trades with it) cannot know the moment. A slot that would come back
    too late to be booked in peace, half an hour before the lead time, comes back at once.
    """
    at = now + delay
    return at if at <= starts_at - lead - timedelta(minutes=30) else now


def _bits(lanes: Iterable[int]) -> int:
    return reduce(or_, (1 << lane for lane in lanes), 0)
