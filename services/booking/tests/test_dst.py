"""The two days on which Berlin's clock jumps: expected slots in UTC, written down by hand."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking.timetable.model import Hours, Lane, Schedule

SPRING = date(2027, 3, 28)  # 02:00 CET becomes 03:00 CEST at 01:00 UTC: 23 hours
AUTUMN = date(2026, 10, 25)  # 03:00 CEST becomes 02:00 CET at 01:00 UTC: 25 hours


def slots(day: date, opens: str, closes: str, grid: int, length: int) -> list[str]:
    hours = Hours(day.weekday(), _minutes(opens), _minutes(closes))
    office = Schedule(
        zone=ZoneInfo("Europe/Berlin"),
        hours=(hours,),
        grid=timedelta(minutes=grid),
        lead=timedelta(0),
        horizon=timedelta(days=400),
        lanes=(Lane(0),),
    )
    starts = office.offered(day, day, timedelta(minutes=length), datetime(2026, 10, 1, tzinfo=UTC))
    return [datetime.fromtimestamp(start, UTC).strftime("%dT%H:%M") for start in starts]


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


@pytest.mark.parametrize(
    ("day", "opens", "closes", "grid", "length", "expected"),
    [
        pytest.param(SPRING, "08:00", "10:00", 60, 60, ["28T06:00", "28T07:00"], id="spring, after the jump"),
        pytest.param(SPRING, "00:00", "02:00", 60, 60, ["27T23:00", "28T00:00"], id="spring, before the jump"),
        pytest.param(SPRING, "01:00", "04:00", 60, 60, ["28T00:00", "28T01:00"], id="spring, across: an hour less"),
        pytest.param(SPRING, "01:30", "03:30", 30, 30, ["28T00:30", "28T01:00"], id="spring, half hours across"),
        pytest.param(SPRING, "01:30", "04:00", 30, 60, ["28T00:30", "28T01:00"], id="spring, a slot across"),
        pytest.param(SPRING, "02:00", "03:00", 15, 15, [], id="spring, the hour that does not exist"),
        pytest.param(SPRING, "02:15", "02:45", 15, 15, [], id="spring, within the gap"),
        pytest.param(SPRING, "02:30", "04:00", 30, 30, ["28T01:00", "28T01:30"], id="spring, opens within the gap"),
        pytest.param(SPRING, "01:00", "02:30", 30, 30, ["28T00:00", "28T00:30"], id="spring, closes within the gap"),
        pytest.param(AUTUMN, "08:00", "10:00", 60, 60, ["25T07:00", "25T08:00"], id="autumn, after the jump"),
        pytest.param(AUTUMN, "00:00", "02:00", 60, 60, ["24T22:00", "24T23:00"], id="autumn, before the jump"),
        pytest.param(
            AUTUMN, "01:00", "04:00", 60, 60, ["24T23:00", "25T00:00", "25T01:00", "25T02:00"],
            id="autumn, across: an hour more",
        ),
        pytest.param(AUTUMN, "02:00", "02:30", 15, 15, ["25T00:00", "25T00:15"], id="autumn, the first 2 o'clock"),
        pytest.param(
            AUTUMN, "02:30", "03:30", 30, 30, ["25T00:30", "25T01:00", "25T01:30", "25T02:00"],
            id="autumn, opens in the hour that comes twice",
        ),
    ],
)  # fmt: skip
def test_slots_on_the_days_of_the_jump(
    day: date, opens: str, closes: str, grid: int, length: int, expected: list[str]
) -> None:
    assert slots(day, opens, closes, grid, length) == expected


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_a_day_and_night_office_is_open_all_hours_that_the_day_has(day: date, hours: int) -> None:
    assert len(slots(day, "00:00", "24:00", 60, 60)) == hours


def test_no_two_slots_of_the_doubled_hour_are_the_same_instant() -> None:
    starts = slots(AUTUMN, "00:00", "24:00", 15, 15)
    assert len(starts) == len(set(starts)) == 100
