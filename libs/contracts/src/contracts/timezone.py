"""The VTIMEZONE of a zone (RFC 5545, 3.6.5): the office's own clocks, explained to calendars that do not know it.

As a yearly rule wherever the zone follows one: Outlook reads rules, and of lists of dates the first one alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

_DAY = timedelta(days=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@lru_cache(maxsize=64)
def vtimezone(zone: ZoneInfo, year: int) -> Timezone:
    """`zone` for instants in `year`. Not to be changed: it is shared."""
    component = Timezone()
    component.add("tzid", zone.key)
    years = [list(_changes(zone, year + offset)) for offset in (-1, 0, 1)]
    changes = [change for each in years for change in each]
    rules = [_rule([_onset(zone, change) for change in changes[number::2]]) for number in (0, 1)]
    if all(len(each) == 2 for each in years) and all(rules):
        for change, rule in zip(changes, rules, strict=False):
            component.add_component(_observance(zone, change, rule))
    else:
        component.add_component(_observance(zone, datetime(year - 1, 1, 1, tzinfo=UTC)))
        for change in changes:
            component.add_component(_observance(zone, change))
    return component


def ambiguous(instant: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks of `zone` show this time for the second time, which TZID cannot say (RFC 5545, 3.3.5)."""
    return instant.astimezone(zone).fold == 1


def _changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """The instants of `year` (UTC) at which the offset of `zone` changes."""
    day, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while day < end:
        if _offset(zone, day) != _offset(zone, day + _DAY):
            low, high = day, day + _DAY
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, low) else (low, middle)
            yield high.replace(microsecond=0)
        day += _DAY


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None, "a zone knows its offset"
    return offset


def _onset(zone: ZoneInfo, change: datetime) -> datetime:
    """The wall clock's time at `change`, by the offset that held until then, as RFC 5545 wants it."""
    return (change + _offset(zone, change - timedelta(seconds=1))).replace(tzinfo=None)


def _rule(onsets: list[datetime]) -> dict[str, object] | None:
    """The yearly rule that `onsets` follow, one per year: "the last Sunday of March"."""
    months = {onset.month for onset in onsets}
    weekdays = {onset.weekday() for onset in onsets}
    if len(months) != 1 or len(weekdays) != 1 or len({onset.time() for onset in onsets}) != 1:
        return None
    counted = {(onset.day - 1) // 7 + 1 for onset in onsets}
    if all((onset + 7 * _DAY).month != onset.month for onset in onsets):
        counted = {-1}
    if len(counted) != 1:
        return None
    return {"freq": "yearly", "bymonth": months.pop(), "byday": f"{counted.pop()}{_WEEKDAYS[weekdays.pop()]}"}


def _observance(
    zone: ZoneInfo, change: datetime, rule: dict[str, object] | None = None
) -> TimezoneStandard | TimezoneDaylight:
    local = change.astimezone(zone)
    component = TimezoneDaylight() if local.dst() else TimezoneStandard()
    component.add("dtstart", _onset(zone, change))
    if rule:
        component.add("rrule", rule)
    component.add("tzoffsetfrom", _offset(zone, change - timedelta(seconds=1)))
    component.add("tzoffsetto", _offset(zone, change))
    component.add("tzname", local.tzname())
    return component
