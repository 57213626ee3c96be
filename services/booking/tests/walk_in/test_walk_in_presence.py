"""Invitation and calling follow who is there, not the timetable."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.timetable.model import Lane
from booking.walkin.model import staffed
from booking.walkin.presence import SILENCE

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)  # Tuesday, 12:00 in Berlin
Json = dict[str, Any]
Take = Callable[..., Awaitable[Json]]
ADA, BEN, EVA = (UUID(int=number) for number in range(1, 4))


def numbers(lanes: tuple[Lane, ...]) -> list[int]:
    return [lane.number for lane in lanes]


def test_a_lane_with_an_account_has_its_clerk_or_nobody() -> None:
    lanes = (Lane(0, clerk=ADA), Lane(1, clerk=BEN))
    assert numbers(staffed(lanes, {BEN}, (), ())) == [1]
    assert numbers(staffed(lanes, {EVA}, (), ())) == []


def test_others_share_the_lanes_without_an_account() -> None:
    lanes = (Lane(0), Lane(1), Lane(2, clerk=ADA))
    assert numbers(staffed(lanes, {BEN}, (), ())) == [0]
    assert numbers(staffed(lanes, {ADA}, (), ())) == [2]
    assert numbers(staffed(lanes, {ADA, BEN, EVA}, (), ())) == [0, 1, 2]


def test_who_is_busy_cannot_come_to_another_lane() -> None:
    lanes = (Lane(0), Lane(1), Lane(2))
    assert numbers(staffed(lanes, {BEN}, {2}, ())) == [2]
    assert numbers(staffed(lanes, {BEN}, (), {0})) == [1]


@given(
    st.lists(
        st.one_of(st.none(), st.integers(0, 5)), max_size=6, unique_by=lambda one: object() if one is None else one
    ),
    st.sets(st.integers(0, 5)),
    st.sets(st.integers(0, 5)),
)
def test_there_are_never_more_lanes_than_clerks(accounts: list[int | None], present: set[int], busy: set[int]) -> None:
    lanes = tuple(
        Lane(number, clerk=None if account is None else UUID(int=account)) for number, account in enumerate(accounts)
    )
    assert len(staffed(lanes, {UUID(int=clerk) for clerk in present}, busy, ())) <= len(present)


@pytest.mark.asyncio(loop_scope="module")
async def test_with_no_clerk_there_nobody_is_invited_and_no_number_given(
    look: Any, client: httpx.AsyncClient, order: Any, clock: Any, come_to_work: Any
) -> None:
    clock.now = NOON
    await come_to_work("clerks-1")
    seen = await look("clerks-1")
    assert (seen["available"], seen["reason"], seen["estimate_seconds"]) == (False, "nobody_here", None)
    answer = await client.post(
        "/offices/clerks-1/walk-in", json=order(starts_at=None), headers={"Idempotency-Key": uuid4().hex}
    )
    assert (answer.status_code, answer.json()["reason"]) == (409, "nobody_here")


@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_is_called_while_no_clerk_is_there_and_the_number_stays_good(
    take: Take, call: Any, present: Any, come_to_work: Any
) -> None:
    ticket = await take()
    await come_to_work("clerks-1")
    assert await call() == 0
    heard = await present(ticket)
    assert (heard["state"], heard["staffed"], heard["estimate_seconds"]) == ("waiting", False, None)
    await come_to_work("clerks-1", ADA)
    assert (await present(ticket))["staffed"]
    assert await call() == 1
    assert (await present(ticket))["state"] == "called"


@pytest.mark.asyncio(loop_scope="module")
async def test_one_clerk_calls_one_at_a_time_whatever_the_timetable_says(
    take: Take, call: Any, come_to_work: Any
) -> None:
    await come_to_work("clerks-5", ADA)
    for _ in range(3):
        await take(office="clerks-5")
    assert await call("clerks-5") == 1
    assert await call("clerks-5") == 0
    await come_to_work("clerks-5", ADA, BEN)
    assert await call("clerks-5") == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_clerks_of_whom_nothing_is_heard_are_gone(look: Any, clock: Any, come_to_work: Any) -> None:
    clock.now = NOON
    await come_to_work("clerks-1", ADA, at=NOON)
    clock.now = NOON + SILENCE - timedelta(seconds=1)
    assert (await look("clerks-1"))["available"]
    clock.now = NOON + SILENCE
    assert (await look("clerks-1"))["reason"] == "nobody_here"


@pytest.mark.asyncio(loop_scope="module")
async def test_another_office_s_clerks_are_nobody_here(look: Any, clock: Any, come_to_work: Any) -> None:
    clock.now = NOON
    await come_to_work("clerks-1")
    await come_to_work("clerks-2", ADA)
    assert (await look("clerks-1"))["reason"] == "nobody_here"
