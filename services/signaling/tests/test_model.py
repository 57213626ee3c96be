"""The rules of rooms and of honest waiting."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from signaling.model import (
    Desk,
    Guest,
    LinkExpired,
    Outlook,
    Room,
    RoomClosed,
    RoomNotReady,
    State,
    TooEarly,
    outlooks,
)

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
CLERK = uuid4()


def room(state: State = "open", generation: int = 1) -> Room:
    return Room(uuid4(), "demo", NOW, NOW + timedelta(minutes=15), generation, state, None, None, admitted=False)


def guest(starts_in: float = 0, since: float = 0, *, admitted: bool = False) -> Guest:
    return Guest(uuid4(), NOW + timedelta(minutes=since), NOW + timedelta(minutes=starts_in), admitted)


def test_an_open_room_lets_its_citizen_in() -> None:
    room().require_open()
    room().require_link(1)
    room().require_begun(NOW, timedelta())


def test_a_cancelled_room_kills_the_link_and_a_finished_one_is_over() -> None:
    with pytest.raises(LinkExpired):
        room("cancelled").require_open()
    with pytest.raises(LinkExpired):
        room("cancelled").require_link(1)
    for state in ("completed", "aborted"):
        with pytest.raises(RoomClosed):
            room(state).require_open()


def test_only_the_newest_mail_has_the_link() -> None:
    with pytest.raises(LinkExpired):
        room().require_link(0)


def test_a_link_that_is_quicker_than_its_event_is_asked_to_come_back() -> None:
    with pytest.raises(RoomNotReady):
        room().require_link(2)
    with pytest.raises(LinkExpired):
        room("cancelled").require_link(2)


def test_too_early_says_when_to_come_back() -> None:
    with pytest.raises(TooEarly) as refused:
        room().require_begun(NOW - timedelta(minutes=16), timedelta(minutes=15))
    assert refused.value.extra == {"joinable_from": "2026-06-02T07:45:00Z"}
    room().require_begun(NOW - timedelta(minutes=15), timedelta(minutes=15))


def test_earlier_appointments_go_first_then_whoever_came_first() -> None:
    early, first, second = guest(-5, since=3), guest(0, since=0), guest(0, since=1)
    in_call = guest(-10, admitted=True)
    found = outlooks([second, in_call, first, early], Desk((), ()), 1, NOW)
    assert [found[one.appointment_id].ahead for one in (early, first, second)] == [0, 1, 2]
    assert in_call.appointment_id not in found


@pytest.mark.parametrize(("finished", "idle"), [((300.0, 300.0), 1), ((300.0,) * 5, 0)])
def test_nobody_knows_how_long_before_some_calls_were_measured_or_while_no_clerk_is_at_work(
    finished: tuple[float, ...], idle: int
) -> None:
    me = guest()
    assert outlooks([me], Desk((), finished), idle, NOW)[me.appointment_id] == Outlook(0, None)


@pytest.mark.parametrize(
    ("ahead", "idle", "running", "starts_in", "expected"),
    [
        (0, 1, (), 0, 0),  # somebody is free
        (0, 1, (), 4, 240),  # nobody is taken before the appointment begins
        (0, 0, (100.0,), 0, 240),  # 300 - 100 = 200 s, said in whole minutes
        (0, 0, (900.0,), 0, 60),  # a long call may end any minute, but not at once
        (1, 1, (100.0,), 0, 240),  # the free clerk takes the one ahead, the other is free in 200 s
        (2, 1, (), 0, 600),  # two calls of 300 s
        (2, 2, (), 0, 300),
    ],
)
def test_the_wait_follows_from_clerks_calls_and_the_queue(
    ahead: int, idle: int, running: tuple[float, ...], starts_in: float, expected: int
) -> None:
    desk = Desk(tuple((CLERK, elapsed) for elapsed in running), (280.0, 300.0, 320.0))
    me, others = guest(starts_in), [guest(-1 - number) for number in range(ahead)]
    assert outlooks([*others, me], desk, idle, NOW)[me.appointment_id] == Outlook(ahead, expected)
