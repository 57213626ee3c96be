"""The timetable of an office as its leads edit it: one document with a version, checked whole before it is stored."""

import itertools
from collections.abc import Collection, Iterable, Sequence
from datetime import date, time
from typing import Annotated, NamedTuple, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from contracts.characters import without_invisible
from contracts.ids import ServiceId
from contracts.offices import END_OF_DAY, Office, Weekday
from contracts.text import Localised

MAX_LANES = 200
MAX_NOTE = 300


def _closing_time(value: object) -> object:
    return END_OF_DAY if value == "24:00" else value


def _clock(value: time) -> str:
    return "24:00" if value == END_OF_DAY else f"{value:%H:%M}"


#: A time of day in the office's zone, in whole minutes; midnight at a day's end is "24:00".
Opens = Annotated[time, PlainSerializer(_clock, when_used="json")]
Closes = Annotated[time, BeforeValidator(_closing_time), PlainSerializer(_clock, when_used="json")]


def _short(text: Localised) -> Localised:
    if max(len(text.de), len(text.en)) > MAX_NOTE:
        raise ValueError(f"at most {MAX_NOTE} characters")
    return Localised(de=without_invisible(text.de), en=without_invisible(text.en))


#: What citizens read about a day: one line.
Note = Annotated[Localised, AfterValidator(_short)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Hours(_Strict):
    """From `opens` to `closes` (exclusive), local times of one day."""

    opens: Opens
    closes: Closes

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for value in (self.opens, self.closes):
            if value != END_OF_DAY and (value.second or value.microsecond or value.tzinfo):
                raise ValueError("times are whole minutes of the office's clock, like 08:30")
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        return self


class _Valid(_Strict):
    """Holds from `valid_from` to `valid_until`, both included; open ends hold for ever."""

    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _validity_in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError("valid_from must not be after valid_until")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether `day` is within the validity."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class _Weekly(Hours, _Valid):
    weekday: Weekday


class WeeklyHours(_Weekly):
    """Opening hours of one weekday, perhaps for a season."""


class Shift(_Weekly):
    """When a clerk is on duty on one weekday. Outside the opening hours nobody is served, shift or not."""


class SpecialDay(_Strict):
    """One day that is not like its weekday. Its hours replace all others, holidays and closures; none means closed."""

    day: date
    hours: tuple[Hours, ...] = Field(default=(), max_length=8)
    note: Note | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        _no_overlap(self.hours)
        return self


class Closure(_Strict):
    """The office takes no appointments from `first` to `last`, both included."""

    first: date
    last: date
    reason: Note | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError("first must not be after last")
        return self


class RosterEntry(_Strict):
    """One clerk, whose time is the lane `lane`. A lane is never given to another clerk later: appointments name it."""

    lane: int | None = Field(default=None, ge=0, lt=32_000, description="Left out for a new clerk.")
    name: Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(without_invisible)]
    clerk_id: UUID | None = Field(default=None, description="The account in casework, if the clerk has one.")
    skills: tuple[ServiceId, ...] | None = Field(default=None, max_length=200, description="Left out: all services.")
    shifts: tuple[Shift, ...] = Field(default=(), max_length=100, description="None: whenever the office is open.")


class Timetable(_Strict):
    """Everything that decides when which lane serves which service."""

    opening_hours: tuple[WeeklyHours, ...] = Field(default=(), max_length=200)
    special_days: tuple[SpecialDay, ...] = Field(default=(), max_length=400)
    closures: tuple[Closure, ...] = Field(default=(), max_length=200)
    observes_holidays: bool = True
    clerks: tuple[RosterEntry, ...] = Field(default=(), max_length=MAX_LANES)


class StoredTimetable(Timetable):
    """A timetable as it is stored. `next_lane` and all above it were never anybody's."""

    next_lane: int = 0


def of_file(office: Office) -> StoredTimetable:
    """What holds until a lead edits it: the opening hours of the office's file, and its clerks without names."""
    return StoredTimetable(
        opening_hours=tuple(
            WeeklyHours(weekday=hours.weekday, opens=hours.opens, closes=hours.closes) for hours in office.opening_hours
        ),
        observes_holidays=office.booking.observes_holidays,
        clerks=tuple(RosterEntry(lane=lane, name=f"{lane + 1}") for lane in range(office.clerks)),
        next_lane=office.clerks,
    )


def nameless(timetable: StoredTimetable) -> StoredTimetable:
    """What is kept of a timetable once another one holds: nobody's name and account."""
    clerks = tuple(
        entry.model_copy(update={"name": f"{(entry.lane or 0) + 1}", "clerk_id": None}) for entry in timetable.clerks
    )
    return timetable.model_copy(update={"clerks": clerks})


class Flaw(NamedTuple):
    """What is wrong with a timetable as a whole: the dotted path of the field, and why."""

    field: str
    message: str


def flaws(timetable: Timetable, services: Collection[ServiceId], lanes: Collection[int]) -> list[Flaw]:
    """Contradictions that no field shows by itself; where two fields contradict each other, both are named.

    `services` are those that the office offers, `lanes` those that are, or once were, somebody's.
    """
    found = [
        *_overlaps("opening_hours", timetable.opening_hours),
        *_twice("special_days", "day", [special.day for special in timetable.special_days]),
        *_twice("clerks", "lane", [entry.lane for entry in timetable.clerks]),
        *_twice("clerks", "clerk_id", [entry.clerk_id for entry in timetable.clerks]),
    ]
    for index, entry in enumerate(timetable.clerks):
        found += _overlaps(f"clerks.{index}.shifts", entry.shifts)
        if entry.lane is not None and entry.lane not in lanes:
            found.append(Flaw(f"clerks.{index}.lane", "never was a lane of the office; leave it out for a new clerk"))
        for position, skill in enumerate(entry.skills or ()):
            if skill not in services:
                found.append(Flaw(f"clerks.{index}.skills.{position}", "the office does not offer this service"))
    return found


def numbered(clerks: Sequence[RosterEntry], first_unused: int) -> tuple[RosterEntry, ...]:
    """`clerks`, those without a lane numbered from `first_unused` on."""
    following = iter(range(first_unused, first_unused + len(clerks)))
    return tuple(
        entry if entry.lane is not None else entry.model_copy(update={"lane": next(following)}) for entry in clerks
    )


def _overlaps(path: str, spans: Sequence[_Weekly]) -> Iterable[Flaw]:
    ordered = sorted(enumerate(spans), key=lambda each: (each[1].weekday, each[1].opens))
    for at, (first, one) in enumerate(ordered):
        for second, other in itertools.islice(ordered, at + 1, None):
            if other.weekday != one.weekday or other.opens >= one.closes:
                break
            if _meet(one, other):
                yield Flaw(f"{path}.{first}", f"overlaps with {path}.{second}")
                yield Flaw(f"{path}.{second}", f"overlaps with {path}.{first}")


def _meet(one: _Valid, other: _Valid) -> bool:
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    return first <= min(one.valid_until or date.max, other.valid_until or date.max)


def _twice(path: str, name: str, values: Sequence[object]) -> Iterable[Flaw]:
    seen: dict[object, int] = {}
    for index, value in enumerate(values):
        if value is None:
            continue
        if value in seen:
            yield Flaw(f"{path}.{index}.{name}", f"must not occur twice; see {path}.{seen[value]}")
        seen.setdefault(value, index)


def _no_overlap(spans: Iterable[Hours]) -> None:
    ordered = sorted(spans, key=lambda span: span.opens)
    for earlier, later in itertools.pairwise(ordered):
        if later.opens < earlier.closes:
            raise ValueError("hours of one day must not overlap")
