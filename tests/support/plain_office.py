"""The plain model of an office that services/booking/tests/test_machine.py holds against the real one.

It counts minutes one by one and knows no database: too slow for an office, but plain enough to be right. Minute 0 is
midnight of a Monday; there is no daylight saving here.
"""

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

DAY = 1440


@dataclass(frozen=True)
class Lane:
    """A clerk: trained for `skills` (None: everything), on duty on `shifts` (none: whenever the office is open)."""

    skills: frozenset[str] | None = None
    shifts: tuple[tuple[int, int, int], ...] = ()


@dataclass
class Visit:
    """An appointment; `pause_ends` is when its clerk has time again."""

    lane: int
    start: int
    length: int
    services: tuple[str, ...]
    link: str
    #: Since when it has its time.
    taken: int
    state: str = "booked"
    alive: bool = True

    @property
    def pause_ends(self) -> int:
        return self.start + self.length + PlainOffice.PAUSE


@dataclass
class PlainOffice:
    """The office as its clerks would explain it. All times are minutes; `low` to `high` excludes `high`."""

    GRID: ClassVar[int] = 15
    PAUSE: ClassVar[int] = 5
    LEAD: ClassVar[int] = 60
    HORIZON: ClassVar[int] = 2
    DELAY: ClassVar[int] = 30
    HARDLY: ClassVar[int] = 10
    GRACE: ClassVar[int] = 10

    now: int = 6 * 60
    version: int = 0
    hours: tuple[tuple[int, int, int], ...] = (*((day, 540, 660) for day in range(5)), (1, 780, 840))
    lanes: dict[int, Lane] = field(default_factory=lambda: {0: Lane(), 1: Lane()})
    closed: frozenset[int] = frozenset()
    special: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    visits: dict[UUID, Visit] = field(default_factory=dict)
    holds: dict[UUID, tuple[int, int, int]] = field(default_factory=dict)
    blocked: dict[UUID, tuple[int, int, int]] = field(default_factory=dict)
    #: What was given back: lane, low, high, and when the public sees it; and which visit left it.
    freed: list[tuple[int, int, int, int]] = field(default_factory=list)
    left: list[Visit] = field(default_factory=list)

    def windows(self, day: int) -> list[tuple[int, int]]:
        if day in self.special:
            spans = list(self.special[day])
        elif day in self.closed:
            spans = []
        else:
            spans = [(opens, closes) for weekday, opens, closes in self.hours if weekday == day % 7]
        return [(day * DAY + opens, day * DAY + closes) for opens, closes in spans]

    def is_open(self, low: int, high: int) -> bool:
        windows = self.windows(low // DAY)
        return all(any(opens <= minute < closes for opens, closes in windows) for minute in range(low, high))

    def refusal(self, start: int, length: int, *, held: bool = False, lead: int | None = None) -> str | None:
        if not held and start < self.now:
            return "in_past"
        if not held and start < self.now + (self.LEAD if lead is None else lead):
            return "too_soon"
        if start // DAY > self.now // DAY + self.HORIZON:
            return "beyond_horizon"
        if not self.is_open(start, start + length):
            return "outside_hours"
        on_grid = any(
            opens <= start < closes and (start - opens) % self.GRID == 0 for opens, closes in self.windows(start // DAY)
        )
        return None if on_grid else "not_on_grid"

    def on_duty(self, services: tuple[str, ...], start: int, length: int) -> set[int]:
        def there(lane: Lane) -> bool:
            shifts = [(low, high) for weekday, low, high in lane.shifts if weekday == start // DAY % 7]
            minutes = (minute % DAY for minute in range(start, start + length))
            return not lane.shifts or all(any(low <= minute < high for low, high in shifts) for minute in minutes)

        return {
            number
            for number, lane in self.lanes.items()
            if (lane.skills is None or lane.skills.issuperset(services)) and there(lane)
        }

    def taken(
        self, start: int, length: int, *, hold: UUID | None = None, own: UUID | None = None, kept: bool = False
    ) -> set[int]:
        """The lanes on which something is in the way of an appointment and its pause.

        `kept`: for whom what was just given back is free.
        """
        ranges = [
            (v.lane, v.start, v.pause_ends) for id_, v in self.visits.items() if v.state == "booked" and id_ != own
        ]
        ranges += [range_ for id_, range_ in self.holds.items() if id_ != hold]
        ranges += self.blocked.values()
        if not kept:
            ranges += [(lane, low, high) for lane, low, high, public_at in self.freed if public_at > self.now]
        end = start + length + self.PAUSE
        return {lane for lane, low, high in ranges if low < end and high > start}

    def free(
        self,
        services: tuple[str, ...],
        length: int,
        *,
        hold: UUID | None = None,
        own: UUID | None = None,
        lead: int | None = None,
        kept: bool = False,
    ) -> list[int]:
        today = self.now // DAY
        return [
            start
            for day in range(today, today + self.HORIZON + 1)
            for opens, closes in sorted(self.windows(day))
            for start in range(opens, closes, self.GRID)
            if self.refusal(start, length, lead=lead) is None
            and self.on_duty(services, start, length) - self.taken(start, length, hold=hold, own=own, kept=kept)
        ]

    def outcome(
        self,
        services: tuple[str, ...],
        start: int,
        length: int,
        *,
        hold: UUID | None = None,
        own: UUID | None = None,
        keeps: bool = False,
    ) -> tuple[str, set[int]]:
        """What comes of asking for an appointment there, and on which lanes it may be.

        `keeps`: whoever holds just this slot gets it on the lane that they hold, also when it begins by now.
        """
        mine = self.holds.get(hold) if hold else None
        held = keeps and mine is not None and mine[1:] == (start, start + length + self.PAUSE)
        if refusal := self.refusal(start, length, held=held):
            return f"slot_not_offered {refusal}", set()
        on_duty = self.on_duty(services, start, length)
        if not on_duty:
            return "slot_not_offered nobody_on_duty", set()
        lanes = on_duty - self.taken(start, length, hold=hold, own=own)
        if held and mine is not None and mine[0] in lanes:
            lanes = {mine[0]}
        return ("ok", lanes) if lanes else ("slot_taken", set())

    def give_back(self, visit: Visit) -> None:
        """What was hardly taken returns at once, and so does what the same visit left before."""
        for index, by in enumerate(self.left):
            if by is visit:
                lane, low, high, public_at = self.freed[index]
                self.freed[index] = (lane, low, high, min(public_at, self.now))
        at = self.now + self.DELAY
        late = at <= visit.start - self.LEAD - 30 and self.now >= visit.taken + self.HARDLY
        self.freed.append((visit.lane, visit.start, visit.pause_ends, at if late else self.now))
        self.left.append(visit)
