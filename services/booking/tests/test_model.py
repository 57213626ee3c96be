"""What an office offers and what of it is free, against plain definitions that are too slow for the real thing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.appointments.model import new_reference
from booking.slots import model
from booking.timetable.model import BusyTime, DutyHours, Lane, Schedule

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)  # a Monday, 09:00 in Berlin
MINUTES = timedelta(minutes=1)


def schedule(
    *hours: DutyHours,
    grid: int = 15,
    lead: timedelta = timedelta(0),
    horizon: int = 60,
    closed: Sequence[date] = (),
    zone: ZoneInfo = BERLIN,
    capacity: int = 1,
) -> Schedule:
    return Schedule(
        zone=zone,
        hours=hours,
        holiday=lambda day: day in closed,
        grid=grid * MINUTES,
        lead=lead,
        horizon=timedelta(days=horizon),
        lanes=tuple(Lane(number) for number in range(capacity)),
    )


HEIDELBERG = (DutyHours(1, 480, 720), DutyHours(2, 840, 1050), DutyHours(3, 480, 720))
ALWAYS = tuple(DutyHours(weekday, 0, 1440) for weekday in range(7))


def local(starts: Sequence[int], zone: ZoneInfo = BERLIN) -> list[str]:
    return [datetime.fromtimestamp(start, zone).strftime("%m-%d %H:%M") for start in starts]


def test_a_day_of_heidelberg() -> None:
    starts = schedule(*HEIDELBERG).offered(date(2026, 6, 2), date(2026, 6, 2), 30 * MINUTES, NOW)
    assert local(starts)[0] == "06-02 08:00"
    assert local(starts)[-1] == "06-02 11:30"
    assert len(starts) == 15


def test_closed_weekdays_and_holidays_offer_nothing() -> None:
    office = schedule(*HEIDELBERG, closed=[date(2026, 6, 4)])  # Corpus Christi
    starts = office.offered(date(2026, 6, 1), date(2026, 6, 7), 15 * MINUTES, NOW)
    assert {day[:5] for day in local(starts)} == {"06-02", "06-03"}


def test_two_windows_of_one_day_leave_the_pause_alone() -> None:
    office = schedule(DutyHours(1, 480, 600), DutyHours(1, 660, 720), grid=30)
    starts = office.offered(date(2026, 6, 2), date(2026, 6, 2), 60 * MINUTES, NOW)
    assert local(starts) == ["06-02 08:00", "06-02 08:30", "06-02 09:00", "06-02 11:00"]


def test_the_lead_time_counts_from_now_and_the_horizon_in_local_days() -> None:
    office = schedule(*ALWAYS, grid=60, lead=timedelta(hours=3, minutes=1), horizon=1)
    starts = office.offered(date(2026, 5, 1), date(2026, 7, 1), 60 * MINUTES, NOW)
    assert local(starts)[0] == "06-01 13:00"
    assert local(starts)[-1] == "06-02 23:00"


def test_without_lead_time_the_horizon_is_the_same_just_after_midnight() -> None:
    office = schedule(*ALWAYS, grid=60, lead=timedelta(hours=3), horizon=1)
    midnight = datetime(2026, 6, 1, 22, 5, tzinfo=UTC)  # five past midnight in Berlin
    for lead, first in ((None, "06-02 04:00"), (timedelta(0), "06-02 01:00")):
        starts = local(office.offered(date(2026, 6, 1), date(2026, 7, 1), 60 * MINUTES, midnight, lead=lead))
        assert (starts[0], starts[-1]) == (first, "06-03 23:00")


def test_an_office_open_day_and_night_begins_at_the_next_mark_and_runs_over_midnight() -> None:
    office = schedule(*ALWAYS, grid=5)
    now = NOW + timedelta(minutes=1, seconds=30)
    starts = office.offered(date(2026, 6, 1), date(2026, 6, 1), 15 * MINUTES, now)
    assert local(starts)[:2] == ["06-01 09:05", "06-01 09:10"]
    assert local(starts)[-1] == "06-01 23:55"


def test_the_week_wraps_from_sunday_to_monday() -> None:
    starts = schedule(*ALWAYS, grid=30).offered(date(2026, 6, 7), date(2026, 6, 7), 60 * MINUTES, NOW)
    assert local(starts)[-1] == "06-07 23:30"


@pytest.mark.parametrize(
    ("starts_at", "reason"),
    [
        (datetime(2026, 6, 2, 6, 0, tzinfo=UTC), None),
        (datetime(2026, 6, 1, 6, 0, tzinfo=UTC), "in_past"),
        (datetime(2026, 6, 1, 7, 30, tzinfo=UTC), "too_soon"),
        (datetime(2026, 6, 2, 6, 5, tzinfo=UTC), "not_on_grid"),
        (datetime(2026, 6, 2, 6, 0, 0, 1, tzinfo=UTC), "not_on_grid"),
        (datetime(2026, 6, 2, 9, 45, tzinfo=UTC), "outside_hours"),
        (datetime(2026, 6, 1, 9, 0, tzinfo=UTC), "outside_hours"),
        (datetime(2026, 9, 1, 6, 0, tzinfo=UTC), "beyond_horizon"),
    ],
)
def test_why_a_slot_is_refused(starts_at: datetime, reason: str | None) -> None:
    office = schedule(*HEIDELBERG, lead=timedelta(hours=2))
    assert office.refusal(starts_at, 30 * MINUTES, NOW) == reason


def test_a_held_slot_is_not_taken_away_by_the_clock() -> None:
    office = schedule(*ALWAYS, grid=5)
    just_over = NOW - timedelta(minutes=5)
    assert office.refusal(just_over, 15 * MINUTES, NOW) == "in_past"
    assert office.refusal(just_over, 15 * MINUTES, NOW, held=True) is None


@given(st.integers(0, 95), st.sets(st.integers(-96, 2 * 96), min_size=40))
def test_the_closest_of_a_day_are_the_closest_of_all_if_none_beyond_can_be_closer(wanted: int, free: set[int]) -> None:
    """Times are quarters of an hour of a day; those below 0 and from 96 on are its neighbours'."""
    low = datetime(2026, 6, 2, tzinfo=UTC)
    at, high = low + 15 * wanted * MINUTES, low + timedelta(days=1)
    starts = sorted(int((low + 15 * each * MINUTES).timestamp()) for each in free)
    of_the_day = model.nearest([each for each in starts if low.timestamp() <= each < high.timestamp()], at, 6)
    if len(of_the_day) == 6 and model.none_closer_beyond(of_the_day, at, low, high):
        assert model.nearest(starts, at, 6) == of_the_day
    else:
        assert len(of_the_day) < 6 or min(wanted, 96 - wanted) <= abs(of_the_day[-1] - at.timestamp()) / 900


def test_the_closest_alternatives_come_first() -> None:
    wanted = datetime.fromtimestamp(1000, UTC)
    assert model.nearest([100, 700, 1300, 1400, 5000], wanted, 3) == [1300, 700, 1400]


def test_references_are_read_aloud_easily_and_differ() -> None:
    references = {new_reference("HD") for _ in range(200)}
    assert len(references) == 200
    assert all(len(reference) == 9 and not set(reference[3:]) & set("ILOU01") for reference in references)


_busy = st.builds(
    lambda lane, start, length: BusyTime(lane, start, start + length),
    st.integers(0, 3),
    st.integers(0, 200),
    st.integers(1, 60),
)


@given(
    starts=st.lists(st.integers(0, 250), unique=True, max_size=40).map(sorted),
    length=st.integers(1, 60),
    capacity=st.integers(0, 4),
    busy=st.lists(_busy, max_size=25),
)
def test_free_means_that_some_lane_is_idle_all_the_time(
    starts: list[int], length: int, capacity: int, busy: list[BusyTime]
) -> None:
    def idle(lane: int, start: int) -> bool:
        return all(b.end <= start or start + length <= b.start for b in busy if b.lane == lane)

    expected = [start for start in starts if any(idle(lane, start) for lane in range(capacity))]
    assert model.free(starts, length, range(capacity), busy) == expected


_zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]).map(ZoneInfo)
_hours = st.builds(
    lambda weekday, opens, minutes: DutyHours(weekday, opens, min(opens + minutes, 1440)),
    st.integers(0, 6),
    st.integers(0, 1435),
    st.integers(5, 600),
)


@given(
    hours=st.lists(_hours, min_size=1, max_size=6),
    zone=_zones,
    grid=st.sampled_from([5, 7, 15, 30]),
    length=st.integers(1, 32).map(lambda n: n * 15 * MINUTES),
    lead=st.integers(0, 3000).map(lambda n: n * MINUTES),
    horizon=st.integers(0, 9),
    now=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC)),
    days=st.tuples(st.integers(-2, 9), st.integers(0, 9)),
)
def test_what_is_offered_is_exactly_what_is_not_refused(
    hours: list[DutyHours], zone: ZoneInfo, grid: int, length: timedelta, lead: timedelta, horizon: int, now: datetime,
    days: tuple[int, int],
) -> None:  # fmt: skip
    office = schedule(*hours, grid=grid, lead=lead, horizon=horizon, zone=zone)
    first = now.astimezone(zone).date() + timedelta(days=days[0])
    last = first + timedelta(days=days[1])
    starts = office.offered(first, last, length, now)

    assert list(starts) == sorted(set(starts))
    for start in starts:
        starts_at, ends_at = model.slot(start, length)
        assert starts_at >= now + lead
        assert first <= starts_at.astimezone(zone).date() <= last
        assert ends_at - starts_at == length
        assert office.refusal(starts_at, length, now) is None

    offered = set(starts)
    low = datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)
    for step in range(0, 1440, 5):
        probe = low + step * MINUTES
        refused = office.refusal(probe, length, now)
        if probe.astimezone(zone).date() == first:
            assert (refused is None) == (int(probe.timestamp()) in offered)


@given(hours=st.lists(_hours, min_size=1, max_size=6), day=st.dates(date(2025, 1, 1), date(2027, 12, 31)))
def test_on_ordinary_days_a_slot_lies_within_the_wall_clock_hours(hours: list[DutyHours], day: date) -> None:
    office = schedule(*hours, grid=5, zone=ZoneInfo("Asia/Kathmandu"), horizon=1500)
    noon = datetime(2025, 1, 1, tzinfo=UTC)
    minutes = {  # every minute at which the office is open, also on the next day
        24 * 60 * offset + minute
        for offset in (0, 1)
        for h in hours
        if h.weekday == (day + timedelta(days=offset)).weekday()
        for minute in range(h.opens, h.closes)
    }
    for start in office.offered(day, day, 25 * MINUTES, noon):
        wall = datetime.fromtimestamp(start, office.zone)
        at = wall.hour * 60 + wall.minute
        assert set(range(at, at + 25)) <= minutes


@given(
    shifts=st.lists(st.tuples(st.integers(84, 140), st.integers(1, 30)), min_size=1, max_size=4),
    pause=st.sampled_from([0, 1, 5, 15]),
    length=st.integers(1, 8).map(lambda fives: fives * 5),
)
def test_off_duty_is_busy_and_on_duty_is_free(shifts: list[tuple[int, int]], pause: int, length: int) -> None:
    """Shifts of a Tuesday on the five-minute grid, some of them closer to each other than the pause is long."""
    worked = tuple(DutyHours(1, opens * 5, min(1440, (opens + fives) * 5)) for opens, fives in shifts)
    lane = Lane(0, shifts=worked)
    office = schedule(*ALWAYS, grid=5)
    office = replace(office, lanes=(lane,), buffer=pause * MINUTES)
    tuesday = date(2026, 6, 2)
    starts = office.offered(tuesday, tuesday, length * MINUTES, NOW)
    seconds = (length + pause) * 60
    off_duty = office.off_duty([lane], starts[0], starts[-1] + seconds)
    free = set(model.free(starts, seconds, [0], off_duty))
    on_duty = {start for start in starts if office.on_duty([lane], start, length * MINUTES)}
    assert free == on_duty, "what can be booked is shown, also the last slot before a gap shorter than the pause"
