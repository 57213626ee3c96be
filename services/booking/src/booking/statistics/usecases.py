"""Statistics of an office: by week and service, over at most 53 weeks."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from booking.errors import RangeTooLong
from booking.offices.model import BookableOffice
from booking.planning.usecases import bounds
from booking.statistics import store
from booking.statistics.views import Figures, StatisticsView, WeekFigures
from booking.timetable import store as timetables
from booking.timetable.model import BusyTime, Schedule, Span, minutes, without
from booking.timetable.schedules import schedule
from chassis.database import Row, Transaction

MAX_DAYS: Final = 53 * 7
#: Before and after everything, in seconds since 1970.
_BEGINNING: Final = -(2**62)
_END: Final = 2**62


class DatedSchedule(NamedTuple):
    """A schedule and since when it held, until the next one did; None is from the beginning."""

    since: datetime | None
    schedule: Schedule


async def statistics(tx: Transaction, bookable: BookableOffice, first: date, last: date) -> StatisticsView:
    """How the office was used on its local days `first` to `last`. Raises RangeTooLong beyond 53 weeks."""
    if not 0 <= (last - first).days < MAX_DAYS:
        raise RangeTooLong(MAX_DAYS)
    office = bookable.office
    low, high = bounds(bookable, first, last)
    rows = await store.statistics(tx, office.slug, office.time_zone, (first, last), low, high)
    held = await timetables.held_between(tx, office, low, high)
    blocked = timetables.busy(await timetables.blocked_times(tx, office.slug, low=low, high=high))
    plans = [DatedSchedule(since, schedule(office, timetable)) for since, timetable in held]
    offered = await offered_minutes(plans, blocked, first, last)
    weeks = [_week(row, row["monday"], offered[row["monday"]]) for row in rows if row["monday"] is not None]
    quiet = offered.keys() - {week.monday for week in weeks}
    weeks += [_week(_NOTHING, monday, offered[monday]) for monday in quiet]
    return StatisticsView(
        weeks=sorted(weeks, key=lambda week: (week.monday, week.service_id or "")),
        totals=[Figures.model_validate(_figures(row, sum(offered.values()))) for row in rows if row["monday"] is None],
    )


def default_range(bookable: BookableOffice, now: datetime) -> tuple[date, date]:
    """The twelve weeks until the end of this one."""
    today = now.astimezone(bookable.office.zone).date()
    sunday = today + timedelta(days=6 - today.weekday())
    return sunday - timedelta(days=12 * 7 - 1), sunday


async def offered_minutes(
    plans: Sequence[DatedSchedule], blocked: list[BusyTime], first: date, last: date
) -> Mapping[date, int]:
    """By Monday, how many minutes all clerks together were on duty and not blocked from `first` to `last`.

    By what held at the time, to the second: a timetable that is edited today makes no other of yesterday's. A year of
    it takes seconds, so others have their turn after each day.
    """
    gaps: dict[int, list[Span]] = {}
    for number, low, high in blocked:
        gaps.setdefault(number, []).append((low, high))
    found: dict[date, int] = {}
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        monday = day - timedelta(days=day.weekday())
        found[monday] = found.get(monday, 0) + _offered_on(day, plans, gaps)
        await asyncio.sleep(0)
    return found


def _offered_on(day: date, plans: Sequence[DatedSchedule], gaps: Mapping[int, Sequence[Span]]) -> int:
    offered = 0
    starts = [_BEGINNING if since is None else int(since.timestamp()) for since, _ in plans]
    for (_, plan), start, end in zip(plans, starts, [*starts[1:], _END], strict=True):
        midnight = datetime(day.year, day.month, day.day, tzinfo=plan.zone)
        low, high = midnight.timestamp(), (midnight + timedelta(days=1)).timestamp()
        if start >= high or end <= low:
            continue
        for lane in plan.lanes:
            # Shifts lie within their day, so gaps of other days are none of this one's.
            here = [gap for gap in gaps.get(lane.number, ()) if gap[0] < high and gap[1] > low]
            offered += minutes(without(plan.duty(lane, day), [*here, (_BEGINNING, start), (end, _END)]))
    return offered


_COUNTS: Final = ("booked", "completed", "aborted", "cancelled", "no_show", "lapsed", "walk_ins")
_NOTHING: Final[Row] = {
    **dict.fromkeys((*_COUNTS, "talked", "seconds"), 0),
    **dict.fromkeys(("service_id", "lead_hours_median", "wait_seconds_median", "talk_seconds_median")),
}


def _week(row: Row, monday: date, offered: int) -> WeekFigures:
    return WeekFigures.model_validate(_figures(row, offered) | {"monday": monday})


def _figures(row: Row, offered: int) -> Row:
    ended = row["completed"] + row["aborted"] + row["no_show"] + row["talked"]
    medians = {name: row[name] for name in row if name.endswith("_median")}
    counts = {name: row[name] for name in ("service_id", *_COUNTS)}
    return counts | {
        "no_show_rate": _ratio(row["no_show"], ended),
        "utilisation": _ratio(float(row["seconds"]) / 60, offered) if row["service_id"] is None else None,
        **{name: None if value is None else round(float(value), 1) for name, value in medians.items()},
    }


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
