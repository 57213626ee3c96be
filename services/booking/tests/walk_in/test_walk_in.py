"""Talk to us now: whether one can come, which number one gets, and how one goes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from booking.walkin import store as queue_store
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)  # Tuesday, 12:00 in Berlin
FIVE_MINUTES = "fuehrungszeugnis"
QUARTER = "personalausweis"
Json = dict[str, Any]
Take = Callable[..., Awaitable[Json]]


async def test_an_open_office_with_a_clerk_on_duty_says_come(look: Any, take: Take) -> None:
    assert await look("clerks-1") == {
        "available": True,
        "reason": None,
        "waiting": 0,
        "estimate_seconds": 0,
        "closes_at": "2026-06-03T22:00:00Z",
    }


async def test_a_closed_office_says_so(look: Any, clock: Any) -> None:
    seen = await look("heidelberg")  # on a Monday
    assert (seen["available"], seen["reason"], seen["estimate_seconds"], seen["closes_at"]) == (
        False,
        "closed",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("minutes_before_closing", "service", "reason"),
    [(15, QUARTER, None), (14, QUARTER, "closed"), (14, FIVE_MINUTES, None), (5, "", None), (4, "", "closed")],
)
async def test_nobody_comes_when_there_is_no_time_left_for_their_matter(
    look: Any, clock: Any, minutes_before_closing: int, service: str, reason: str | None
) -> None:
    clock.now = NOON - timedelta(minutes=minutes_before_closing)
    assert (await look("heidelberg", *filter(None, [service])))["reason"] == reason


async def test_an_office_that_talks_by_appointment_only_says_so(
    look: Any, client: httpx.AsyncClient, order: Any, clock: Any
) -> None:
    clock.now = NOON
    assert (await look("by-appointment"))["reason"] == "switched_off"
    answer = await client.post(
        "/offices/by-appointment/walk-in", json=order(starts_at=None), headers={"Idempotency-Key": uuid4().hex}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "walk_in_unavailable")
    assert answer.json()["reason"] == "switched_off"


async def test_without_a_clerk_on_duty_who_does_it_nobody_is_free(look: Any, take: Take, edit_timetable: Any) -> None:
    off = {"weekday": "wed", "opens": "08:00", "closes": "12:00"}
    clerks = [{"lane": 0, "name": "Ada", "skills": [FIVE_MINUTES]}, {"lane": 1, "name": "Ben", "shifts": [off]}]
    assert (await edit_timetable("clerks-2", clerks=clerks)).status_code == 200
    assert (await look("clerks-2", FIVE_MINUTES))["reason"] is None
    assert (await look("clerks-2", QUARTER))["reason"] == "nobody_free"


async def test_whoever_would_not_be_served_before_the_office_closes_is_told_at_once(
    look: Any, take: Take, clock: Any, edit_timetable: Any
) -> None:
    await edit_timetable("heidelberg", clerks=[{"lane": 0, "name": "Ada"}])
    clock.now = NOON - timedelta(minutes=20)
    await take(QUARTER, "heidelberg")
    assert (await look("heidelberg", FIVE_MINUTES))["estimate_seconds"] == 15 * 60
    assert (await look("heidelberg", QUARTER))["reason"] == "nobody_free"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"services": [{"service_id": "tauchschein"}]}, "services.0"),
        ({"email": "nobody"}, "email"),
        ({"starts_at": "2026-06-02T10:00:00Z"}, "starts_at"),
        ({"name": "x" * 5000}, "name"),
    ],
)
async def test_bad_requests_name_the_field_and_leave_nothing_behind(
    client: httpx.AsyncClient, order: Any, clock: Any, stored: Any, changes: Json, field: str
) -> None:
    clock.now = NOON
    body = order(**({"starts_at": None} | changes))
    answer = await client.post("/offices/clerks-1/walk-in", json=body, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await stored("walk_in") == []


async def test_numbers_count_from_one_in_each_office_and_on_each_day(
    take: Take,
    clock: Any,
) -> None:
    assert [(await take())["number"] for _ in range(3)] == [1, 2, 3]
    assert (await take(office="clerks-2"))["number"] == 1
    clock.now = NOON.replace(hour=22, minute=1)  # after midnight in Berlin, the same day in UTC
    assert (await take())["number"] == 1


async def test_the_same_request_again_is_the_same_number(take: Take, stored: Any) -> None:
    key = uuid4().hex
    first, again = [await take(key=key, email="ada@example.org") for _ in range(2)]
    assert first == again
    assert len(await stored("walk_in")) == 1


async def test_somebody_elses_number_under_ones_address_costs_work_and_never_refuses(
    client: httpx.AsyncClient, take: Take, order: Any, solved: Any, stored: Any
) -> None:
    async def again(**headers: str) -> httpx.Response:
        body = order(starts_at=None, email="ADA@example.org")
        headers |= {"Idempotency-Key": uuid4().hex}
        return await client.post("/offices/clerks-1/walk-in", json=body, headers=headers)

    await take(email="ada@example.org")
    for waiting in range(1, 7):  # as many as somebody likes to take under it
        asked = await again()
        assert (asked.status_code, asked.json()["code"]) == (429, "proof_required")
        challenge = asked.json()["challenge"]
        assert challenge["parameters"]["data"]["level"] == min(waiting, 4)
        assert (await again(**{"Proof-Of-Work": solved(challenge)})).status_code == 201
    assert len(await stored("walk_in")) == 7


async def test_whoever_has_lost_the_page_works_no_more_when_their_number_is_gone(
    client: httpx.AsyncClient, take: Take, order: Any, pass_time: Any
) -> None:
    await take(email="ada@example.org")
    await pass_time(1)
    body = order(starts_at=None, email="ada@example.org")
    again = await client.post("/offices/clerks-1/walk-in", json=body, headers={"Idempotency-Key": uuid4().hex})
    assert again.status_code == 201


async def test_fifty_at_once_get_fifty_numbers(take: Take) -> None:
    tickets = await asyncio.gather(*(take() for _ in range(50)))
    assert sorted(ticket["number"] for ticket in tickets) == list(range(1, 51))


async def test_whoever_is_silent_for_a_minute_is_gone_and_forgotten(
    take: Take, call: Any, present: Any, clock: Any, stored: Any, pass_time: Any
) -> None:
    silent, other = await take(QUARTER), await take()
    await pass_time(0.5, silent, other)
    await pass_time(59 / 60, other)
    assert (await present(other))["ahead"] == 1
    await pass_time(1 / 60, other)
    assert (await present(other))["ahead"] == 0
    assert await call() == 1
    assert (await present(silent))["state"] == "gone"
    assert (await present(other))["state"] == "called"
    for row in await stored("walk_in"):
        assert (row["name"], row["email"], row["phone"], row["time_zone"]) == ("", "", None, None)
        assert row["erased_at"] == clock.now


async def test_whoever_leaves_is_forgotten_and_the_others_move_up(
    depart: Any, take: Take, present: Any, stored: Any
) -> None:
    leaving, other = await take(), await take()
    for _ in range(2):  # a repetition is no error
        assert (await depart(leaving)).status_code == 204
    assert (await present(leaving))["state"] == "gone"
    assert (await present(other))["ahead"] == 0
    row = next(row for row in await stored("walk_in") if row["number"] == 1)
    assert (row["state"], row["name"], row["email"]) == ("left", "", "")


async def test_when_the_office_closes_nobody_waits_on(
    take: Take, call: Any, present: Any, clock: Any, pass_time: Any, edit_timetable: Any
) -> None:
    await edit_timetable("heidelberg", clerks=[{"lane": 0, "name": "Ada"}])
    clock.now = NOON - timedelta(minutes=10)
    first, second = await take(office="heidelberg"), await take(office="heidelberg")
    assert await call("heidelberg") == 1
    await pass_time(6, second)
    assert await call("heidelberg") == 0  # the lane is free, but there are no five minutes left
    assert (await present(second)) == {
        "number": 2,
        "state": "waiting",
        "ahead": 0,
        "estimate_seconds": None,
        "staffed": True,
        "link": None,
    }
    await pass_time(4, second)
    await call("heidelberg")
    assert (await present(second))["state"] == "gone"
    assert (await present(first))["state"] == "called"


async def test_what_is_left_of_old_queues_is_erased_after_a_day(
    take: Take, database: Database, clock: Any, stored: Any
) -> None:
    await take(office="clerks-1")
    for hours, erased in ((24, 0), (25, 2)):  # and the one of the twin office
        async with database.transaction() as tx:
            assert await queue_store.erase_old(tx, NOON + timedelta(hours=hours)) == erased
    [row] = await stored("walk_in")
    assert (row["state"], row["name"], row["email"]) == ("gone", "", "")
