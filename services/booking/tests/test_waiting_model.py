"""The rules of the waiting list: whom a freed slot suits, until when it is kept, who waits on."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.timetable.model import BusyTime, DutyHours, Lane, Schedule
from booking.waiting import model
from booking.waiting.model import Freed, Seeker

NOW = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)
BERLIN, ALL_DAY = ZoneInfo("Europe/Berlin"), (time(0), time(23, 59))
TEN = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)  # Tuesday, 10:00 in Berlin
MINUTES = timedelta(minutes=1)


def office(
    *, lead: int = 30, buffer: int = 5, skills: frozenset[str] | None = None, shift: DutyHours | None = None
) -> Schedule:
    return Schedule(
        zone=ZoneInfo("Europe/Berlin"),
        hours=(DutyHours(1, 480, 720),),  # Tuesday, 08:00 to 12:00
        lanes=(Lane(0, skills=skills, shifts=(shift,) if shift else ()), Lane(1)),
        grid=15 * MINUTES,
        lead=lead * MINUTES,
        horizon=timedelta(days=30),
        buffer=buffer * MINUTES,
    )


def freed(start: datetime = TEN, minutes: int = 20, lane: int = 0) -> Freed:
    return Freed(lane, int(start.timestamp()), int(start.timestamp()) + minutes * 60)


def seeker(minutes: int = 15, **changes: object) -> Seeker:
    return Seeker(("anmeldung",), minutes * MINUTES, **changes)  # type: ignore[arg-type]


def busy(start: datetime, minutes: int, lane: int = 0) -> BusyTime:
    return BusyTime(lane, int(start.timestamp()), int(start.timestamp()) + minutes * 60)


def fit(
    freed_: Freed, seeker_: Seeker, *taken: BusyTime, schedule: Schedule | None = None, now: datetime = NOW
) -> datetime | None:
    return model.first_fit(schedule or office(), freed_, taken, seeker_, now)


def test_an_appointment_fits_with_its_pause_or_not_at_all() -> None:
    assert fit(freed(minutes=20), seeker(15)) == TEN
    assert fit(freed(minutes=19), seeker(15)) is None
    assert fit(freed(minutes=19), seeker(15), schedule=office(buffer=4)) == TEN


def test_it_must_be_strictly_earlier_than_what_one_has() -> None:
    assert fit(freed(), seeker(before=TEN + 15 * MINUTES)) == TEN
    assert fit(freed(), seeker(before=TEN)) is None
    assert fit(freed(), seeker(before=TEN - 15 * MINUTES)) is None


def test_only_a_clerk_who_is_trained_for_it_and_on_duty() -> None:
    assert fit(freed(), seeker(), schedule=office(skills=frozenset({"reisepass"}))) is None
    assert fit(freed(), seeker(), schedule=office(skills=frozenset({"anmeldung"}))) == TEN
    assert fit(freed(), seeker(), schedule=office(shift=DutyHours(1, 480, 610))) is None
    assert fit(freed(), seeker(), schedule=office(shift=DutyHours(1, 600, 615))) == TEN
    assert fit(freed(lane=7), seeker()) is None


def test_not_where_something_else_is_by_now_but_beside_it() -> None:
    assert fit(freed(), seeker(), busy(TEN + 10 * MINUTES, 15)) is None
    assert fit(freed(), seeker(), busy(TEN + 10 * MINUTES, 15, lane=1)) == TEN
    assert fit(freed(minutes=60), seeker(), busy(TEN - 5 * MINUTES, 10)) == TEN + 15 * MINUTES


def test_what_ends_as_it_begins_or_begins_as_its_pause_ends_is_not_in_the_way() -> None:
    assert fit(freed(), seeker(), busy(TEN - 15 * MINUTES, 15), busy(TEN + 20 * MINUTES, 15)) == TEN
    assert fit(freed(), seeker(), busy(TEN - 15 * MINUTES, 16)) is None
    assert fit(freed(), seeker(), busy(TEN + 19 * MINUTES, 15)) is None


def test_what_was_given_back_may_begin_beside_the_grid() -> None:
    beside = TEN + 5 * MINUTES
    assert fit(freed(beside), seeker()) == beside


def test_three_unanswered_offers_are_enough_and_a_minute_is_left_to_ask_the_next() -> None:
    """The mails say the number."""
    assert (model.PATIENCE, model.HANDOVER, model.SHORTEST) == (3, MINUTES, 5 * MINUTES)


def test_not_outside_the_opening_hours() -> None:
    late = TEN + 105 * MINUTES  # 11:45
    assert fit(freed(late), seeker(15)) == late
    assert fit(freed(late, 60), seeker(30)) is None


def test_one_needs_the_lead_time_and_some_minutes_to_think() -> None:
    assert fit(freed(), seeker(), now=TEN - 35 * MINUTES) == TEN
    assert fit(freed(), seeker(), now=TEN - 34 * MINUTES) is None


def test_only_on_the_days_that_one_can() -> None:
    tuesday = date(2026, 6, 2)
    assert fit(freed(), seeker(first_day=tuesday, last_day=tuesday)) == TEN
    assert fit(freed(), seeker(first_day=date(2026, 6, 3))) is None
    assert fit(freed(), seeker(last_day=date(2026, 6, 1))) is None


def test_an_offer_never_reaches_into_the_lead_time() -> None:
    patience, lead = model.Patience(60 * MINUTES, ALL_DAY, BERLIN), 30 * MINUTES
    assert model.expires_at(TEN, NOW, patience=patience, lead=lead) == NOW + 60 * MINUTES
    soon = TEN - 50 * MINUTES
    assert model.expires_at(TEN, soon, patience=patience, lead=lead) == TEN - lead


def test_a_slot_of_tomorrow_morning_goes_round_at_night_rather_than_to_one_who_sleeps() -> None:
    patience = model.Patience(120 * MINUTES, (time(8), time(20)), BERLIN)
    nine, evening = (datetime(2026, 6, day, hour, 30, tzinfo=BERLIN) for day, hour in ((2, 9), (1, 20)))
    assert model.expires_at(nine, evening, patience=patience, lead=60 * MINUTES) == evening + 120 * MINUTES
    noon = nine + 150 * MINUTES
    assert model.expires_at(noon, evening, patience=patience, lead=60 * MINUTES) == nine + 30 * MINUTES


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        ("2026-06-01T10:00", "2026-06-01T12:00"),
        ("2026-06-01T18:00", "2026-06-01T20:00"),  # to the last minute of the day
        ("2026-06-01T19:30", "2026-06-02T09:30"),  # half an hour in the evening, the rest after breakfast
        ("2026-06-01T23:30", "2026-06-02T10:00"),
        ("2026-06-01T04:00", "2026-06-01T10:00"),
        ("2026-10-24T19:30", "2026-10-25T09:30"),  # the clocks go back that night
    ],
)
def test_people_answer_when_they_are_awake(asked: str, until: str) -> None:
    patience = model.Patience(120 * MINUTES, (time(8), time(20)), BERLIN)
    since, end = (datetime.fromisoformat(instant).replace(tzinfo=BERLIN) for instant in (asked, until))
    assert patience.ends_at(since.astimezone(UTC)) == end


@given(
    since=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 12, 31), timezones=st.just(UTC)),
    minutes=st.integers(5, 1440),
    hours=st.tuples(st.integers(0, 22), st.integers(1, 23)).filter(lambda pair: pair[0] < pair[1]),
)
def test_everybody_has_as_long_as_everybody_else(since: datetime, minutes: int, hours: tuple[int, int]) -> None:
    wakes, sleeps = hours
    patience = model.Patience(minutes * MINUTES, (time(wakes), time(sleeps)), UTC)
    end = patience.ends_at(since)
    days = [since.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=day) for day in range(1500)]
    hours_awake = (
        max(min(end, at.replace(hour=sleeps)) - max(since, at.replace(hour=wakes)), timedelta())
        for at in days
        if at <= end
    )
    assert sum(hours_awake, timedelta()) == minutes * MINUTES


@pytest.mark.parametrize(
    ("by", "minutes", "waits"),
    [
        ("waiting_list", -60, False),  # that is what they waited for
        ("citizen", -60, True),
        ("citizen", 60, False),  # they want it later themselves
        ("office", 60, True),
        ("office", -60, True),
    ],
)
def test_who_waits_on_after_a_move(by: str, minutes: int, waits: bool) -> None:
    assert model.still_wants(by, TEN, TEN + minutes * MINUTES) == waits


def test_waiting_ends_after_the_last_day_asked_for_and_never_later_than_the_office_books_ahead() -> None:
    def until(last_day: date | None) -> datetime:
        return model.waits_until(NOW, last_day, horizon=timedelta(days=200), zone=ZoneInfo("Europe/Berlin"))

    assert until(None) == NOW + timedelta(days=200)
    assert until(date(2026, 6, 1)) == datetime(2026, 6, 1, 22, tzinfo=UTC)
    assert until(date(2026, 10, 25)) == datetime(2026, 10, 25, 23, tzinfo=UTC)  # the day of 25 hours
    assert until(date(2027, 1, 1)) == NOW + timedelta(days=200)


def test_an_offer_is_over_at_its_last_instant_whether_or_not_somebody_noticed() -> None:
    assert model.current_state("open", TEN, TEN - MINUTES, wanted=True) == "open"
    assert model.current_state("open", TEN, TEN, wanted=True) == "expired"
    assert model.current_state("open", TEN, TEN - MINUTES, wanted=False) == "expired"
    assert model.current_state("refused", TEN, TEN, wanted=True) == "refused"


@given(
    start=st.integers(-36, 60).map(lambda n: TEN + n * 5 * MINUTES),
    minutes=st.integers(5, 120),
    length=st.integers(1, 12).map(lambda n: 5 * n),
    taken=st.lists(st.tuples(st.integers(-30, 60), st.integers(1, 12), st.integers(0, 1)), max_size=6),
    before=st.none() | st.integers(-36, 60).map(lambda n: TEN + n * 5 * MINUTES),
)
def test_what_fits_is_free_open_and_earlier(
    start: datetime, minutes: int, length: int, taken: list[tuple[int, int, int]], before: datetime | None
) -> None:
    in_the_way = [busy(TEN + at * 5 * MINUTES, 5 * n, lane) for at, n, lane in taken]
    range_ = freed(start, minutes)
    found = fit(range_, seeker(length, before=before), *in_the_way)
    if found is None:
        return
    low = int(found.timestamp())
    high = low + (length + 5) * 60
    assert range_.start <= low < high <= range_.end
    assert before is None or found < before
    assert not [one for one in in_the_way if one.lane == 0 and one.start < high and one.end > low]
    assert office().open_throughout(low, low + length * 60)
