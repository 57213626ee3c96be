"""The rules of time: when an office is open and its clerks on duty, and which slots that makes. Plain Python.

Inside, an instant is a whole number of seconds since 1970 (UTC), so that a month of slots costs additions and
comparisons. Nothing here reads a clock: `now` is a parameter.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

SlotRefusal = Literal["in_past", "too_soon", "beyond_horizon", "outside_hours", "not_on_grid", "nobody_on_duty"]
#: Why an office is closed on a day: a public holiday, a closure of its own, or simply no opening hours.
Closed = Literal["holiday", "closure", "weekly"]
#: Why nobody is there for an appointment that is booked.
Unserved = Literal["lane_removed", "blocked", "closed", "off_shift", "skill_missing"]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DutyHours:
    """From `opens` to `closes` on `weekday` (Monday = 0), minutes after local midnight (1440: the day's end).

    Holds on the days from `first` to `last`; None is an open end.
    """

    weekday: int
    opens: int
    closes: int
    first: date | None = None
    last: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether these are hours of `day`."""
        return (
            self.weekday == day.weekday()
            and (self.first is None or self.first <= day)
            and (self.last is None or day <= self.last)
        )


class BusyTime(NamedTuple):
    """A lane is taken, or off duty, from `start` to `end`, in seconds since 1970."""

    lane: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Lane:
    """One clerk's time: for which services (None: all), and on which shifts (none: whenever the office is open).

    Compared by identity, so that its duty on a day is looked up at the cost of a pointer.
    """

    number: int
    name: str = ""
    skills: frozenset[str] | None = None
    shifts: tuple[DutyHours, ...] = ()
    #: The clerk's account, if the timetable names it.
    clerk: UUID | None = None

    def serves(self, services: Collection[str]) -> bool:
        """Whether this clerk is trained for all `services`: one appointment is one clerk."""
        return self.skills is None or self.skills.issuperset(services)


@dataclass(frozen=True, eq=False)
class Schedule:
    """When an office takes appointments. Compared by identity: there is one per office, timetable and process."""

    zone: ZoneInfo
    hours: tuple[DutyHours, ...]
    lanes: tuple[Lane, ...]
    grid: timedelta
    lead: timedelta
    horizon: timedelta
    buffer: timedelta = timedelta(0)
    holiday: Callable[[date], bool] = lambda day: False
    closures: tuple[tuple[date, date], ...] = ()
    special: Mapping[date, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def today(self, now: datetime) -> date:
        """The office's local day."""
        return now.astimezone(self.zone).date()

    def last_day(self, now: datetime) -> date:
        """The last local day that can be booked."""
        return self.today(now) + self.horizon

    def serving(self, services: Collection[str]) -> Sequence[Lane]:
        """The lanes that serve all of `services`."""
        return _serving(self, frozenset(services))

    def offered(
        self, first: date, last: date, length: timedelta, now: datetime, *, lead: timedelta | None = None
    ) -> Sequence[int]:
        """Starts of all slots of `length` on the local days `first` to `last`, taken or not, in ascending order.

        Leaves out what lies before `now` plus the lead time (or another `lead`), and local days after the horizon.
        """
        soonest = now + (self.lead if lead is None else lead)
        first = max(first, self.today(soonest))
        last = min(last, self.last_day(now))
        earliest = _ceil_seconds(soonest)
        starts: list[int] = []
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            starts.extend(_starts(self, date.fromordinal(ordinal), int(length.total_seconds())))
        # A day's first slots may be over already; everything else is ascending and later.
        return starts[bisect_left(starts, earliest) :]

    def refusal(
        self, starts_at: datetime, length: timedelta, now: datetime, *, held: bool = False, at_once: bool = False
    ) -> SlotRefusal | None:
        """Why an appointment of `length` cannot start at `starts_at`, whoever has booked what; None if it can.

        A citizen who holds the slot (`held`) started typing in time, so the clock does not take it away from them.
        `at_once`: it may begin now and between two slots, as long as the office is open; but not in the past.
        """
        if at_once and starts_at < now - timedelta(minutes=1):
            return "in_past"
        if not held and not at_once:
            if starts_at < now:
                return "in_past"
            if starts_at < now + self.lead:
                return "too_soon"
        if starts_at > now + self.horizon + timedelta(days=2):  # also keeps the year 9999 out of the arithmetic below
            return "beyond_horizon"
        day = starts_at.astimezone(self.zone).date()
        if day > self.last_day(now):
            return "beyond_horizon"
        start = int(starts_at.timestamp())
        seconds = int(length.total_seconds())
        starts = _starts(self, day, seconds)
        at = bisect_left(starts, start)
        if at < len(starts) and starts[at] == start and not starts_at.microsecond:
            return None
        if not self.open_throughout(start, start + seconds):
            return "outside_hours"
        return None if at_once and not starts_at.microsecond else "not_on_grid"

    def open_throughout(self, start: int, end: int) -> bool:
        """Whether the office is open from `start` to `end`, in seconds since 1970."""
        day = datetime.fromtimestamp(start, self.zone).date()
        return any(low <= start and end <= until for low, _, until in _stretches(self, day))

    def closes(self, at: int) -> int | None:
        """Until when the office is open without a pause from `at` on; None if it is closed then."""
        day = datetime.fromtimestamp(at, self.zone).date()
        return next((until for low, closes, until in _stretches(self, day) if low <= at < closes), None)

    def on_duty(self, lanes: Iterable[Lane], start: int, length: timedelta) -> list[int]:
        """The numbers of those `lanes` whose clerks are on duty from `start` for the whole `length`."""
        end = start + int(length.total_seconds())
        day = datetime.fromtimestamp(start, self.zone).date()
        return [
            lane.number
            for lane in lanes
            if not lane.shifts or any(low <= start and end <= high for low, high in _duty_around(self, lane, day))
        ]

    def unserved(
        self, number: int, services: Collection[str], start: int, end: int, blocked: Iterable[BusyTime]
    ) -> Unserved | None:
        """Why nobody is there for an appointment on lane `number` from `start` to `end`; None if somebody is."""
        lane = next((lane for lane in self.lanes if lane.number == number), None)
        if lane is None:
            return "lane_removed"
        if any(busy.lane == number and busy.start < end and start < busy.end for busy in blocked):
            return "blocked"
        if not self.open_throughout(start, end):
            return "closed"
        if not self.on_duty([lane], start, timedelta(seconds=end - start)):
            return "off_shift"
        return None if lane.serves(services) else "skill_missing"

    def off_duty(self, lanes: Iterable[Lane], low: int, high: int) -> list[BusyTime]:
        """When `lanes` are not on duty between `low` and `high`, as if they were busy. Lanes without shifts always are.

        The pause after an appointment may reach beyond the end of a shift, so a shift counts as that much longer. Where
        the gap to the next one is shorter than the pause, such a `Busy` ends before it begins: what begins before its
        end and lasts, with its pause, beyond its beginning is within the gap, and nothing else is.
        """
        found: list[BusyTime] = []
        first, last = (datetime.fromtimestamp(instant, self.zone).date().toordinal() for instant in (low, high))
        pause = int(self.buffer.total_seconds())
        for lane in lanes:
            if not lane.shifts:
                continue
            end = duty_end = low
            for ordinal in range(first - 1, last + 1):
                for starts, ends in _duty(self, lane, date.fromordinal(ordinal)):
                    if starts > duty_end:
                        found.append(BusyTime(lane.number, end, starts))
                    end, duty_end = max(end, ends + pause), max(duty_end, ends)
            if end < high + pause:
                found.append(BusyTime(lane.number, end, high + pause))
        return found

    def windows(self, day: date) -> list[Span]:
        """The stretches in which the office is open on a local day, in ascending order."""
        return _windows(self, day)

    def duty(self, lane: Lane, day: date) -> list[Span]:
        """When the clerk of `lane` serves on a local day: on shift while the office is open."""
        return list(_duty(self, lane, day)) if lane.shifts else _windows(self, day)

    def closed(self, day: date) -> Closed | None:
        """Why the office is closed on a local day; None if it is open."""
        if self.windows(day):
            return None
        if day not in self.special:
            if self.holiday(day):
                return "holiday"
            if self._closure(day):
                return "closure"
        return "closure" if day in self.special else "weekly"

    def spans(self, day: date) -> Iterable[tuple[int, int]]:
        """The opening hours of a local day in minutes after midnight. A special day is above everything else."""
        if day in self.special:
            return self.special[day]
        if self._closure(day) or self.holiday(day):
            return ()
        return ((hours.opens, hours.closes) for hours in self.hours if hours.holds_on(day))

    def _closure(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.closures)


def minutes(windows: Iterable[Span]) -> int:
    """How long `windows` (disjoint) are together."""
    return sum(high - low for low, high in windows) // 60


def without(windows: Sequence[Span], gaps: Iterable[Span]) -> list[Span]:
    """`windows` (ascending, disjoint) less `gaps`."""
    left = list(windows)
    for low, high in gaps:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, low)), (max(start, high), end))
            if part[0] < part[1]
        ]
    return left


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


def _merged(windows: Iterable[Span]) -> list[Span]:
    """In ascending order, empty ones left out, those that touch or overlap made one."""
    merged: list[Span] = []
    for low, high in sorted(window for window in windows if window[0] < window[1]):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _windows(schedule: Schedule, day: date) -> list[Span]:
    zone = schedule.zone
    spans = ((_instant(zone, day, opens), _instant(zone, day, closes)) for opens, closes in schedule.spans(day))
    return sorted(window for window in spans if window[0] < window[1])


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


@lru_cache(maxsize=1024)
def _serving(schedule: Schedule, services: frozenset[str]) -> tuple[Lane, ...]:
    return tuple(lane for lane in schedule.lanes if lane.serves(services))


@lru_cache(maxsize=65536)
def _duty(schedule: Schedule, lane: Lane, day: date) -> tuple[Span, ...]:
    """When a lane with shifts serves on a local day: where a shift and the opening hours meet."""
    shifts = _merged(
        (_instant(schedule.zone, day, shift.opens), _instant(schedule.zone, day, shift.closes))
        for shift in lane.shifts
        if shift.holds_on(day)
    )
    return tuple(
        _merged(
            (max(low, opens), min(high, closes)) for opens, closes in _windows(schedule, day) for low, high in shifts
        )
    )


def _duty_around(schedule: Schedule, lane: Lane, day: date) -> list[Span]:
    """Duty of a day and its neighbours, joined where one runs on into the next."""
    days = (day - timedelta(days=1), day, day + timedelta(days=1))
    return _merged(window for each in days for window in _duty(schedule, lane, each))
