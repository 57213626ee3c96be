"""The rules of the queue without a database: turns, seats, calls that run over."""

import pytest

from booking.timetable.model import BusyTime, Lane
from booking.walkin.model import Board, Open, Party, Running, Seat, busy_now, expected, turns

NINE = 9 * 3600
TEN = 10 * 3600
ALL, ONLY_A = Lane(0), Lane(1, skills=frozenset("a"))


def minutes(count: int) -> int:
    return 60 * count


def board(*busy: BusyTime, lanes: tuple[Lane, ...] = (ALL,), closes: int = TEN, pause: int = 0) -> Board:
    return Board(Open(NINE, closes, lanes, pause), busy)


def party(length: int, service: str = "a", *, takes: int | None = None) -> Party:
    return Party((service,), minutes(length), minutes(takes or length))


def test_a_free_lane_serves_at_once() -> None:
    assert board().seat(party(60)) == Seat(NINE, 0)


def test_nobody_begins_what_would_not_end_before_closing() -> None:
    assert board().seat(party(61)) is None


@pytest.mark.parametrize(("length", "begins"), [(10, 0), (11, 25), (35, 25), (36, None)])
def test_a_gap_serves_what_fits_into_it(length: int, begins: int | None) -> None:
    seat = board(BusyTime(0, NINE + minutes(10), NINE + minutes(25))).seat(party(length))
    assert seat == (None if begins is None else Seat(NINE + minutes(begins), 0))


def test_the_pause_has_to_fit_too_but_not_at_the_end_of_the_day() -> None:
    gap = BusyTime(0, NINE + minutes(10), NINE + minutes(20))
    assert board(gap, pause=minutes(5)).seat(party(6)) == Seat(NINE + minutes(20), 0)
    assert board(gap, pause=minutes(5)).seat(party(40)) == Seat(NINE + minutes(20), 0)


def test_who_has_to_begin_now_does_not_get_a_later_seat() -> None:
    later = board(BusyTime(0, NINE - 60, NINE + 60))
    assert later.seat(party(5), now_only=True) is None
    assert later.seat(party(5)) == Seat(NINE + 60, 0)


def test_specialists_are_left_to_those_who_need_them() -> None:
    both = board(lanes=(ALL, ONLY_A))
    assert both.seat(party(5, "a"), [party(5, "b")]) == Seat(NINE, 1)
    assert both.seat(party(5, "b"), [party(5, "a")]) == Seat(NINE, 0)


def test_turns_come_in_order_and_as_fast_as_conversations_really_are() -> None:
    queue = [party(15, takes=6), party(15, takes=6), party(15, takes=6)]
    assert turns(board(), queue) == [NINE, NINE + minutes(6), NINE + minutes(12)]


def test_the_estimate_lets_others_pass_who_fit_where_one_does_not() -> None:
    queue = [party(15), party(10)]
    assert turns(board(BusyTime(0, NINE + minutes(10), NINE + minutes(20))), queue) == [NINE + minutes(20), NINE]


def test_who_cannot_be_served_today_has_no_turn() -> None:
    assert turns(board(), [party(50), party(20), party(10)]) == [NINE, None, NINE + minutes(50)]


@pytest.mark.parametrize(
    ("running", "until"),
    [
        # Begun five minutes ago and usually done in eight: three more.
        (Running(0, NINE - 300, NINE + 600, NINE - 300, 480, None), NINE + 180),
        # Over its time already: it will end in a minute, again and again.
        (Running(0, NINE - 1200, NINE - 300, NINE - 1200, 480, None), NINE + 60),
        # The call has ended, the clerk finishes the case.
        (Running(0, NINE - 1200, NINE - 300, NINE - 1200, 480, 600), NINE + 60),
    ],
)
def test_a_running_call_keeps_its_clerk_as_long_as_it_probably_takes(running: Running, until: int) -> None:
    planned = BusyTime(0, running.start, running.end)
    assert busy_now([planned, BusyTime(1, NINE, TEN)], [running], NINE, 0) == [
        BusyTime(1, NINE, TEN),
        BusyTime(0, NINE, until),
    ]


@pytest.mark.parametrize(
    ("called", "hours", "minutes_more"),
    [
        # A quarter of an hour after the call the case is finished, said or not.
        (Running(0, NINE - 3600, NINE - 3000, NINE - 3600, 480, 600), 0, 10 + 15),
        # Four hours after its time a call has ended of which nobody said so; it may have begun after its time.
        (Running(0, NINE - 3600, NINE - 3000, NINE - 3600, 480, None), 4, 10),
        (Running(0, NINE - 3600, NINE - 3000, NINE - 2400, 480, None), 4, 20),
    ],
)
def test_a_forgotten_case_keeps_its_clerk_until_then_and_no_longer(
    called: Running, hours: int, minutes_more: int
) -> None:
    then = called.start + 3600 * hours + minutes(minutes_more)
    assert busy_now([], [called], then - 1, 0) != []
    assert busy_now([], [called], then, 0) == []


def test_what_is_not_known_takes_as_long_as_planned() -> None:
    assert expected(["a"], 600, {}) == 600
    assert expected(["a"], 600, {"a": 0.5}) == 300
    assert expected(["a", "b"], 600, {"a": 0.5}) == 450
    assert expected(["a"], 600, {"a": 0.01}) == 60
