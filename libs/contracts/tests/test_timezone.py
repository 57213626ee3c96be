"""What an entry says of its office's clocks: a yearly rule where there is one, or else every change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Timezone

from contracts.timezone import vtimezone


def said(zone: str, year: int) -> list[str]:
    """Each observance in a line: what begins, when, by which rule, from and to which offset."""
    component = vtimezone(ZoneInfo(zone), year)
    return [" ".join(each.to_ical().decode().split("\r\n")[1:-2]) for each in component.subcomponents]


@pytest.mark.parametrize(
    ("zone", "onsets"),
    [
        ("Europe/Berlin", ["-1SU;BYMONTH=3", "-1SU;BYMONTH=10"]),
        ("America/New_York", ["2SU;BYMONTH=3", "1SU;BYMONTH=11"]),
        ("Australia/Lord_Howe", ["1SU;BYMONTH=4", "1SU;BYMONTH=10"]),
    ],
)
@pytest.mark.parametrize("year", [2026, 2028, 2031])
def test_a_zone_with_a_law_is_told_by_its_rule(zone: str, onsets: list[str], year: int) -> None:
    """Also where a month's last Sunday is its fourth in one year and its fifth in another."""
    lines = said(zone, year)
    assert [line.split("BYDAY=")[1].split()[0] for line in lines] == onsets
    assert all(f"DTSTART:{year - 1}" in line for line in lines)


def test_the_clocks_of_berlin_go_forward_at_two_and_back_at_three() -> None:
    assert said("Europe/Berlin", 2026) == [
        "DTSTART:20250330T020000 RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"
        " TZNAME:CEST TZOFFSETFROM:+0100 TZOFFSETTO:+0200",
        "DTSTART:20251026T030000 RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"
        " TZNAME:CET TZOFFSETFROM:+0200 TZOFFSETTO:+0100",
    ]


@pytest.mark.parametrize(
    ("zone", "year", "onsets"),
    [
        # Summer ends in January, and on another day each year.
        ("Pacific/Fiji", 2020, ["20190113", "20191110", "20200112", "20201220", "20210117"]),
        # Twice a year, but by the moon.
        ("Africa/Casablanca", 2026, ["20250223", "20250406", "20260215", "20260322", "20270207", "20270314"]),
        # The day moves with the leap year.
        ("Asia/Tehran", 2020, ["20190322", "20190922", "20200321", "20200921", "20210322", "20210922"]),
        # On New Year's Day.
        ("Africa/Sao_Tome", 2018, ["20180101", "20190101"]),
        ("Asia/Kolkata", 2026, []),
    ],
)
def test_a_zone_without_a_rule_is_told_change_by_change(zone: str, year: int, onsets: list[str]) -> None:
    held, *changes = said(zone, year)
    assert held.startswith(f"DTSTART:{year - 1}0101T"), "what holds when the three years begin"
    assert [line.removeprefix("DTSTART:").split("T")[0] for line in changes] == onsets
    assert not any("RRULE" in line for line in changes)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Fiji", "Africa/Casablanca"])
def test_at_every_hour_of_the_year_it_says_what_the_clocks_show(zone: str) -> None:
    read = Timezone.from_ical(vtimezone(ZoneInfo(zone), 2020).to_ical())
    assert isinstance(read, Timezone)
    told = read.to_tz()
    first = datetime(2020, 1, 1, tzinfo=UTC)
    for hour in range(366 * 24):
        wall = (first + timedelta(hours=hour)).astimezone(ZoneInfo(zone)).replace(fold=0)
        known = wall.utcoffset()
        assert wall.replace(tzinfo=told).utcoffset() == known, wall
