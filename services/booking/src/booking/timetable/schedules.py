"""From the timetable of an office to its schedule, and which schedule holds now."""

from collections.abc import Callable
from datetime import date, time, timedelta
from functools import cache
from typing import NamedTuple

import holidays

from booking.offices.model import BookableOffice, BookableOffices
from booking.timetable import store
from booking.timetable.document import Shift, Timetable, WeeklyHours, of_file
from booking.timetable.model import DutyHours, Lane, Schedule
from chassis.database import Transaction
from contracts.offices import END_OF_DAY, WEEKDAYS, Office
from contracts.text import Localised


class Versioned(NamedTuple):
    """A schedule, and the version of the timetable that it was made of; 0 is the office's file."""

    version: int
    schedule: Schedule


class Schedules:
    """The schedules that this process knows, by office.

    A query on the hot path brings the version that holds (`store.VERSION`); whoever sees another one than here calls
    `refresh` and reckons again. So an edited timetable holds at once, in every process, and costs no query of its own.
    """

    def __init__(self, offices: BookableOffices) -> None:
        self._known = {
            slug: Versioned(0, schedule(bookable.office, of_file(bookable.office)))
            for slug, bookable in offices.items()
        }

    def known(self, bookable: BookableOffice) -> Versioned:
        """The newest schedule of an office that this process has seen."""
        return self._known[bookable.office.slug]

    async def refresh(self, tx: Transaction, bookable: BookableOffice) -> Versioned:
        """The schedule that holds now."""
        version, timetable = await store.timetable_of(tx, bookable.office)
        known = self.known(bookable)
        if version != known.version:
            known = self._known[bookable.office.slug] = Versioned(version, schedule(bookable.office, timetable))
        return known


def schedule(office: Office, timetable: Timetable) -> Schedule:
    """`timetable` in the model's terms, with the rules of the office's file."""
    rules = office.booking
    return Schedule(
        zone=office.zone,
        hours=tuple(_hours(hours) for hours in timetable.opening_hours),
        lanes=tuple(
            Lane(
                number=entry.lane,
                name=entry.name,
                skills=None if entry.skills is None else frozenset(entry.skills),
                shifts=tuple(_hours(shift) for shift in entry.shifts),
                clerk=entry.clerk_id,
            )
            for entry in timetable.clerks
            if entry.lane is not None
        ),
        grid=timedelta(minutes=rules.grid_minutes),
        lead=timedelta(minutes=rules.lead_minutes),
        horizon=timedelta(days=rules.horizon_days),
        buffer=timedelta(minutes=rules.buffer_minutes),
        holiday=public_holidays(office.state) if timetable.observes_holidays else _never,
        closures=tuple((closure.first, closure.last) for closure in timetable.closures),
        special={
            special.day: tuple((_minutes(span.opens), _minutes(span.closes)) for span in special.hours)
            for special in timetable.special_days
        },
    )


@cache
def public_holidays(state: str) -> Callable[[date], bool]:
    """Whether a day is a public holiday in a German state (like "BW")."""
    # The calendar reckons each year when it is first asked for.
    calendar = holidays.country_holidays("DE", subdiv=state)
    return lambda day: day in calendar


def holiday_name(state: str, day: date) -> Localised:
    """What a public holiday of a German state is called."""
    de, en = (_names(state, language)[day] for language in ("de", "en_US"))
    return Localised(de=de, en=en)


@cache
def _names(state: str, language: str) -> holidays.HolidayBase:
    return holidays.country_holidays("DE", subdiv=state, language=language)


def _hours(hours: WeeklyHours | Shift) -> DutyHours:
    return DutyHours(
        WEEKDAYS.index(hours.weekday),
        _minutes(hours.opens),
        _minutes(hours.closes),
        hours.valid_from,
        hours.valid_until,
    )


def _minutes(clock: time) -> int:
    return 1440 if clock == END_OF_DAY else clock.hour * 60 + clock.minute


def _never(day: date) -> bool:
    return False
