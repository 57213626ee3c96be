"""Statistics of an office: by week and service, over at most 53 weeks."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from booking.errors import RangeTooLong
from booking.offers.model import Offer
from booking.statistics import store
from booking.statistics.views import Figures, StatisticsView, WeekFigures
from booking.timetable import store as timetables
from booking.timetable.model import Busy, Schedule, minutes, without
from booking.timetable.schedules import schedule
from booking.timetable.usecases import bounds
from chassis.database import Row, Transaction

MAX_DAYS: Final = 53 * 7


async def statistics(tx: Transaction, offer: Offer, first: date, last: date) -> StatisticsView:
    """How the office was used on its local days `first` to `last`. Raises RangeTooLong beyond 53 weeks."""
    if not 0 <= (last - first).days < MAX_DAYS:
        raise RangeTooLong(MAX_DAYS)
    office = offer.office
    low, high = bounds(offer, first, last)
    rows = await store.statistics(tx, office.slug, office.time_zone, (first, last), low, high)
    _, timetable = await timetables.timetable_of(tx, office)
    blocked = timetables.busy(await timetables.blocked_times(tx, office.slug, low=low, high=high))
    offered = offered_minutes(schedule(office, timetable), blocked, first, last)
    weeks = [_week(row, row["monday"], offered[row["monday"]]) for row in rows if row["monday"] is not None]
    quiet = offered.keys() - {week.monday for week in weeks}
    weeks += [_week(_NOTHING, monday, offered[monday]) for monday in quiet]
    return StatisticsView(
        weeks=sorted(weeks, key=lambda week: (week.monday, week.service_id or "")),
        totals=[Figures.model_validate(_figures(row, sum(offered.values()))) for row in rows if row["monday"] is None],
    )


def default_range(offer: Offer, now: datetime) -> tuple[date, date]:
    """The twelve weeks until the end of this one."""
    today = now.astimezone(offer.office.zone).date()
    sunday = today + timedelta(days=6 - today.weekday())
    return sunday - timedelta(days=12 * 7 - 1), sunday


def offered_minutes(plan: Schedule, blocked: list[Busy], first: date, last: date) -> Mapping[date, int]:
    """By Monday, how many minutes all clerks together were on duty and not blocked from `first` to `last`."""
    gaps = {lane.number: [(low, high) for number, low, high in blocked if number == lane.number] for lane in plan.lanes}
    found: dict[date, int] = {}
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        monday = day - timedelta(days=day.weekday())
        offered = sum(minutes(without(plan.duty(lane, day), gaps[lane.number])) for lane in plan.lanes)
        found[monday] = found.get(monday, 0) + offered
    return found


_NOTHING: Final[Row] = {
    **dict.fromkeys(("booked", "completed", "aborted", "cancelled", "no_show", "walk_ins", "seconds"), 0),
    **dict.fromkeys(("service_id", "lead_hours_median", "wait_seconds_median", "talk_seconds_median")),
}


def _week(row: Row, monday: date, offered: int) -> WeekFigures:
    return WeekFigures.model_validate(_figures(row, offered) | {"monday": monday})


def _figures(row: Row, offered: int) -> Row:
    ended = row["completed"] + row["aborted"] + row["no_show"]
    medians = {name: row[name] for name in row if name.endswith("_median")}
    counts = {
        name: row[name] for name in ("service_id", "booked", "completed", "aborted", "cancelled", "no_show", "walk_ins")
    }
    return counts | {
        "no_show_rate": _ratio(row["no_show"], ended),
        "utilisation": _ratio(float(row["seconds"]) / 60, offered) if row["service_id"] is None else None,
        **{name: None if value is None else round(float(value), 1) for name, value in medians.items()},
    }


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
