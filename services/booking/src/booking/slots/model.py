"""The rules of slots, plain Python: which of the times that an office offers are free. Instants as in `timetable`."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from booking.timetable.model import Busy


class Slot(NamedTuple):
    """A time that an appointment can take: both ends aware, in UTC; the end is exclusive."""

    starts_at: datetime
    ends_at: datetime


def free(starts: Sequence[int], seconds: int, lanes: Collection[int], busy: Iterable[Busy]) -> list[int]:
    """Those of `starts` (ascending) at which one of the `lanes` is free for `seconds`, the pause afterwards included.

    Each lane serves what it can; only what is left asks the next one, and a lane that is never busy ends the search.
    """
    taken_by = _by_lane(busy)
    left: Sequence[int] = starts
    for lane in sorted(lanes, key=lambda number: len(taken_by.get(number, ()))):
        taken = taken_by.get(lane)
        if not taken:
            return list(starts)
        refused: list[int] = []
        at = 0
        for start in left:
            while at < len(taken) and taken[at][1] <= start:
                at += 1
            if at < len(taken) and taken[at][0] < start + seconds:
                refused.append(start)
        left = refused
        if not left:
            return list(starts)
    gone = set(left)
    return [start for start in starts if start not in gone]


def nearest(starts: Sequence[int], wanted: datetime, count: int) -> list[int]:
    """The `count` of `starts` (ascending) closest to `wanted`, closest first; of two equally close, the later first."""
    at = wanted.timestamp()
    middle = bisect_left(starts, at)
    around = starts[max(0, middle - count) : middle + count]
    return sorted(around, key=lambda start: (abs(start - at), start < at))[:count]


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


def _by_lane(busy: Iterable[Busy]) -> Mapping[int, Sequence[tuple[int, int]]]:
    """Per lane the busy ranges, ascending. Merged, because a hold and an appointment that raced may overlap."""
    lanes: dict[int, list[tuple[int, int]]] = {}
    for lane, start, end in sorted(busy):
        ranges = lanes.setdefault(lane, [])
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], end))
        else:
            ranges.append((start, end))
    return lanes
