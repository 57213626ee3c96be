"""The rules of booking, plain Python: which slots an office offers, and which of them are free.

Inside, an instant is a whole number of seconds since 1970 (UTC), so that a month of slots costs additions and
comparisons; `Slot` is what leaves. Nothing here reads a clock: `now` is a parameter.
"""

import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

#: No appointment is longer. The database enforces it too: this makes a range condition on `starts_at` complete.
MAX_LENGTH = timedelta(hours=8)
#: Read aloud on the phone: no I, L, O, 0, 1 and no U (accidental words).
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 6

State = Literal["booked", "cancelled", "completed", "aborted"]
Refusal = Literal["in_past", "too_soon", "beyond_horizon", "outside_hours", "not_on_grid"]


class Slot(NamedTuple):
    """A time that an appointment can take: both ends aware, in UTC; the end is exclusive."""

    starts_at: datetime
    ends_at: datetime


class Busy(NamedTuple):
    """A lane (one clerk's time) is taken from `start` to `end`, in seconds since 1970."""

    lane: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on `weekday` (Monday = 0) from `opens` to `closes`: minutes after local midnight, 1440 is the day's end."""

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, eq=False)
class Schedule:
    """When an office takes appointments. Compared by identity: there is one per office and process."""

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    closed_on: Callable[[date], bool]
    grid: timedelta
    lead: timedelta
    horizon: timedelta
    capacity: int

    def today(self, now: datetime) -> date:
        """The office's local day."""
        return now.astimezone(self.zone).date()

    def offered(self, first: date, last: date, length: timedelta, now: datetime) -> Sequence[int]:
        """Starts of all slots of `length` on the local days `first` to `last`, taken or not, in ascending order.

        Leaves out what lies before `now` plus the lead time, and local days after the booking horizon.
        """
        first = max(first, self.today(now + self.lead))
        last = min(last, self._last_day(now))
        earliest = _ceil_seconds(now + self.lead)
        starts: list[int] = []
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            starts.extend(_starts(self, date.fromordinal(ordinal), int(length.total_seconds())))
        # A day's first slots may be over already; everything else is ascending and later.
        return starts[bisect_left(starts, earliest) :]

    def refusal(self, starts_at: datetime, length: timedelta, now: datetime, *, held: bool = False) -> Refusal | None:
        """Why an appointment of `length` cannot start at `starts_at`, whoever has booked what; None if it can.

        A citizen who holds the slot (`held`) started typing in time, so the clock does not take it away from them.
        """
        if not held:
            if starts_at < now:
                return "in_past"
            if starts_at < now + self.lead:
                return "too_soon"
        if starts_at > now + self.horizon + timedelta(days=2):  # also keeps the year 9999 out of the arithmetic below
            return "beyond_horizon"
        day = starts_at.astimezone(self.zone).date()
        if day > self._last_day(now):
            return "beyond_horizon"
        start = int(starts_at.timestamp())
        seconds = int(length.total_seconds())
        starts = _starts(self, day, seconds)
        at = bisect_left(starts, start)
        if at < len(starts) and starts[at] == start and not starts_at.microsecond:
            return None
        inside = any(low <= start and start + seconds <= high for low, _, high in _stretches(self, day))
        return "not_on_grid" if inside else "outside_hours"

    def _last_day(self, now: datetime) -> date:
        return self.today(now) + self.horizon


def free(starts: Sequence[int], length: timedelta, capacity: int, busy: Iterable[Busy]) -> list[int]:
    """Those of `starts` (ascending) at which one of the lanes 0 to `capacity` - 1 is free for the whole `length`.

    Each lane serves what it can; only what is left asks the next one, and a lane without appointments ends the search.
    """
    lanes = _by_lane(busy)
    seconds = int(length.total_seconds())
    left: Sequence[int] = starts
    for lane in sorted(range(capacity), key=lambda number: len(lanes.get(number, ()))):
        taken = lanes.get(lane, ())
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


def nearest(starts: Iterable[int], wanted: datetime, count: int) -> list[int]:
    """The `count` starts that lie closest to `wanted`, closest first; of two equally close ones, the later first."""
    at = wanted.timestamp()
    return sorted(starts, key=lambda start: (abs(start - at), start < at))[:count]


def slot(start: int, length: timedelta) -> Slot:
    """The slot that begins at `start` (seconds since 1970)."""
    starts_at = datetime.fromtimestamp(start, UTC)
    return Slot(starts_at, starts_at + length)


def new_reference(prefix: str) -> str:
    """A name for the appointment that is read aloud easily, like "HD-7K3M9Q". Random, not secret."""
    return f"{prefix}-" + "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(_REFERENCE_LENGTH))


def cancellable(state: State, starts_at: datetime, now: datetime) -> bool:
    """Whether the citizen may still cancel: until the appointment begins."""
    return state == "booked" and now < starts_at


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


def _ceil_seconds(instant: datetime) -> int:
    return int(instant.timestamp()) + (1 if instant.microsecond else 0)


def _instant(zone: ZoneInfo, day: date, minutes: int) -> int:
    """When the office's clock shows `minutes` after midnight of `day`.

    The hour that occurs twice in autumn means its first occurrence; a time that spring leaves out means the instant at
    which the clock jumps over it. So opening hours never turn around, and a stretch within the gap is empty.
    """
    wall = datetime.combine(day + timedelta(days=minutes // 1440), time(minutes % 1440 // 60, minutes % 60))
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        # PEP 495: in a gap, fold=0 counts with the offset before the jump and fold=1 with the one after it. The jump
        # lies between the two; walking its minutes keeps this right for zones that jump by other than an hour.
        low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
        before = low.astimezone(zone).utcoffset()
        while low.astimezone(zone).utcoffset() == before:
            low += timedelta(minutes=1)
        instant = low
    return int(instant.timestamp())


def _windows(schedule: Schedule, day: date) -> list[tuple[int, int]]:
    """The stretches in which the office is open on a local day, as configured, in ascending order."""
    if schedule.closed_on(day):
        return []
    windows = (
        (_instant(schedule.zone, day, hours.opens), _instant(schedule.zone, day, hours.closes))
        for hours in schedule.hours
        if hours.weekday == day.weekday()
    )
    return sorted(window for window in windows if window[0] < window[1])


@lru_cache(maxsize=4096)
def _stretches(schedule: Schedule, day: date) -> tuple[tuple[int, int, int], ...]:
    """(opens, closes, until) of each window of a day; `until` runs on through windows that follow without a pause.

    An office that is open day and night can thus begin at 23:55 what ends at 00:10.
    """
    windows = _windows(schedule, day)
    following = [*windows, *_windows(schedule, day + timedelta(days=1))]
    stretches = []
    for opens, closes in windows:
        until = closes
        for next_opens, next_closes in following:
            if next_opens <= until < next_closes:
                until = next_closes
        stretches.append((opens, closes, until))
    return tuple(stretches)


@lru_cache(maxsize=4096)
def _starts(schedule: Schedule, day: date, seconds: int) -> tuple[int, ...]:
    """Every start on the slot grid of a local day from which `seconds` fit into the opening hours.

    The grid counts elapsed time from each opening: a day of 23 or 25 hours has as many slots as it has room for.
    """
    step = int(schedule.grid.total_seconds())
    starts: set[int] = set()
    for opens, closes, until in _stretches(schedule, day):
        starts.update(range(opens, min(closes - 1, until - seconds) + 1, step))
    return tuple(sorted(starts))
