"""Talk to us now: who came first is called first, by a clerk who really has time, and nobody waits in vain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from booking.app import build
from booking.settings import Settings
from booking.walkin import calling
from booking.walkin import store as queue_store
from booking.walkin.board import RUNNING
from booking.walkin.paces import SHARES, Paces
from booking.walkin.worker import run as work
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)  # Tuesday, 12:00 in Berlin
FIVE_MINUTES = "fuehrungszeugnis"
QUARTER = "personalausweis"
Json = dict[str, Any]
Take = Callable[..., Awaitable[Json]]


@pytest.fixture(scope="module")
def by_hand() -> Iterator[None]:
    """The worker rests: these tests call the queue when they mean to. One test below lets it run."""

    async def rest(*_: object) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("booking.app.walk_in.run", rest)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(by_hand: None, settings: Settings, clock: Any) -> AsyncIterator[FastAPI]:
    application = build(settings, clock=clock)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
def take(app: FastAPI, client: httpx.AsyncClient, order: Any, clock: Any) -> Take:
    """`await take(service, office=, key=, **changes)`: somebody takes a number."""
    clock.now = NOON
    app.state.hall = replace(app.state.hall, paces=Paces())  # no experience from the test before

    async def post(service: str = FIVE_MINUTES, office: str = "clerks-1", key: str = "", **changes: object) -> Json:
        somebody = {"services": [{"service_id": service}], "email": f"{uuid4().hex}@example.org", "starts_at": None}
        body = order(**(somebody | changes))
        headers = {"Idempotency-Key": key or uuid4().hex}
        path = f"/offices/{office}/walk-in"
        while (answer := await client.post(path, json=body, headers=headers)).status_code == 503:
            await asyncio.sleep(0.1)  # busy: a machine under load makes the pool's queue long
        assert answer.status_code == 201, answer.text
        ticket: Json = answer.json()
        return ticket

    return post


@pytest.fixture
def call(app: FastAPI, database: Database, clock: Any) -> Callable[..., Awaitable[int]]:
    """`await call(office)`: what the worker does."""

    async def now(office: str = "clerks-1", app: FastAPI = app) -> int:
        hall = app.state.hall
        return await calling.call_waiting(hall, database, hall.desk.offers[office], clock())

    return now


@pytest.fixture
def present(client: httpx.AsyncClient) -> Callable[[Json], Awaitable[Json]]:
    """`await present(ticket)`: what their page hears with the next heartbeat."""

    async def beat(ticket: Json) -> Json:
        answer = await client.post("/walk-in/presence", headers=bearer(ticket))
        assert answer.status_code == 200, answer.text
        heard: Json = answer.json()
        return heard

    return beat


@pytest.fixture
def pass_time(clock: Any, present: Any) -> Callable[..., Awaitable[None]]:
    """`await pass_time(minutes, *tickets)`: meanwhile these pages are heard of."""

    async def wait(minutes: float, *tickets: Json) -> None:
        until = clock.now + timedelta(minutes=minutes)
        while clock.now < until:
            clock.now = min(until, clock.now + timedelta(seconds=30))
            for ticket in tickets:
                await present(ticket)

    return wait


@pytest.fixture
def end(database: Database) -> Callable[..., Awaitable[None]]:
    """`await end("completed")`: how the newest appointment ended, as casework and signaling tell it."""

    async def finish(state: str, **changes: object) -> None:
        fields = {"state": state} | changes
        sets = ", ".join(f"{name} = :{name}" for name in fields)
        newest = "(SELECT id FROM appointment ORDER BY booked_at DESC, starts_at DESC LIMIT 1)"
        async with database.transaction() as tx:
            await tx.execute(f"UPDATE appointment SET {sets} WHERE id = {newest}", **fields)  # noqa: S608

    return finish


def bearer(ticket: Json) -> dict[str, str]:
    return {"Authorization": f"Bearer {ticket['ticket']}"}


async def look(client: httpx.AsyncClient, office: str, *services: str) -> Json:
    answer = await client.get(f"/offices/{office}/walk-in", params={"services": services})
    assert answer.status_code == 200, answer.text
    seen: Json = answer.json()
    return seen


# ---- whether one can come


async def test_an_open_office_with_a_clerk_on_duty_says_come(client: httpx.AsyncClient, take: Take) -> None:
    assert await look(client, "clerks-1") == {
        "available": True,
        "reason": None,
        "waiting": 0,
        "estimate_seconds": 0,
        "closes_at": "2026-06-03T22:00:00Z",
    }


async def test_a_closed_office_says_so(client: httpx.AsyncClient, clock: Any) -> None:
    seen = await look(client, "heidelberg")  # on a Monday
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
    client: httpx.AsyncClient, clock: Any, minutes_before_closing: int, service: str, reason: str | None
) -> None:
    clock.now = NOON - timedelta(minutes=minutes_before_closing)
    assert (await look(client, "heidelberg", *filter(None, [service])))["reason"] == reason


async def test_an_office_that_talks_by_appointment_only_says_so(
    client: httpx.AsyncClient, order: Any, clock: Any
) -> None:
    clock.now = NOON
    assert (await look(client, "by-appointment"))["reason"] == "switched_off"
    answer = await client.post(
        "/offices/by-appointment/walk-in", json=order(starts_at=None), headers={"Idempotency-Key": uuid4().hex}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "walk_in_unavailable")
    assert answer.json()["reason"] == "switched_off"


async def test_without_a_clerk_on_duty_who_does_it_nobody_is_free(
    client: httpx.AsyncClient, take: Take, edit_timetable: Any
) -> None:
    off = {"weekday": "wed", "opens": "08:00", "closes": "12:00"}
    clerks = [{"lane": 0, "name": "Ada", "skills": [FIVE_MINUTES]}, {"lane": 1, "name": "Ben", "shifts": [off]}]
    assert (await edit_timetable("clerks-2", clerks=clerks)).status_code == 200
    assert (await look(client, "clerks-2", FIVE_MINUTES))["reason"] is None
    assert (await look(client, "clerks-2", QUARTER))["reason"] == "nobody_free"


async def test_whoever_would_not_be_served_before_the_office_closes_is_told_at_once(
    client: httpx.AsyncClient, take: Take, clock: Any, edit_timetable: Any
) -> None:
    await edit_timetable("heidelberg", clerks=[{"lane": 0, "name": "Ada"}])
    clock.now = NOON - timedelta(minutes=20)
    await take(QUARTER, "heidelberg")
    assert (await look(client, "heidelberg", FIVE_MINUTES))["estimate_seconds"] == 15 * 60
    assert (await look(client, "heidelberg", QUARTER))["reason"] == "nobody_free"


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


# ---- numbers


async def test_numbers_count_from_one_in_each_office_and_on_each_day(
    take: Take, clock: Any, client: httpx.AsyncClient
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


async def test_nobody_stands_in_the_queue_twice(
    client: httpx.AsyncClient, take: Take, order: Any, pass_time: Any
) -> None:
    async def again() -> httpx.Response:
        body = order(starts_at=None, email="ADA@example.org")
        return await client.post("/offices/clerks-1/walk-in", json=body, headers={"Idempotency-Key": uuid4().hex})

    await take(email="ada@example.org")
    refused = await again()
    assert (refused.status_code, refused.json()["code"]) == (429, "limit_reached")
    assert refused.headers["retry-after"] == "60"
    await pass_time(1)  # whoever has lost the page has lost the number, but not for long
    assert (await again()).status_code == 201


async def test_fifty_at_once_get_fifty_numbers(take: Take) -> None:
    tickets = await asyncio.gather(*(take() for _ in range(50)))
    assert sorted(ticket["number"] for ticket in tickets) == list(range(1, 51))


# ---- calling


async def test_the_first_one_is_called_and_their_appointment_begins_this_minute(
    client: httpx.AsyncClient, take: Take, call: Any, present: Any, stored: Any, clock: Any
) -> None:
    clock.now = NOON + timedelta(seconds=42)
    ticket = await take(needs=["interpreter"])
    assert (ticket["ahead"], ticket["estimate_seconds"]) == (0, 0)
    assert (await present(ticket))["state"] == "waiting"
    assert await call() == 1
    called = await present(ticket)
    assert (called["state"], called["ahead"], called["estimate_seconds"]) == ("called", 0, None)
    page, token = called["link"].split("#")
    assert page == "http://localhost:8080/clerks-1/appointment"
    appointment = (await client.get("/appointment", headers={"Authorization": f"Bearer {token}"})).json()
    assert appointment["starts_at"] == "2026-06-02T10:00:00Z"
    assert appointment["ends_at"] == "2026-06-02T10:05:00Z"
    assert (appointment["channel"], appointment["needs"]) == ("walk_in", ["interpreter"])
    published = [row for row in await stored("outbox") if row["subject"] == "booking.completed.v1"]
    assert len(published) == 1
    assert b'"channel":"walk_in"' in published[0]["body"]
    [row] = await stored("walk_in")
    assert (row["state"], row["called_at"]) == ("called", clock.now)
    assert str(row["appointment_id"]) == appointment["appointment_id"]


async def test_one_clerk_has_one_caller_at_a_time_in_the_order_of_their_numbers(
    take: Take, call: Any, present: Any, end: Any, pass_time: Any
) -> None:
    first, second, third = [await take() for _ in range(3)]
    assert [await call(), await call()] == [1, 0]
    assert [(await present(ticket))["state"] for ticket in (first, second, third)] == ["called", "waiting", "waiting"]
    assert [(await present(ticket))["ahead"] for ticket in (second, third)] == [0, 1]
    await end("completed")  # sooner than planned: nobody waits for the rest of five minutes
    await pass_time(1, second, third)
    assert await call() == 1
    assert [(await present(ticket))["state"] for ticket in (second, third)] == ["called", "waiting"]


async def test_every_free_clerk_gets_one(take: Take, call: Any, present: Any) -> None:
    tickets = [await take(office="clerks-2") for _ in range(3)]
    assert await call("clerks-2") == 2
    assert [(await present(ticket))["state"] for ticket in tickets] == ["called", "called", "waiting"]


async def test_somebody_is_overtaken_only_by_those_who_fit_where_they_do_not(
    take: Take, call: Any, present: Any, book: Any
) -> None:
    at = NOON + timedelta(minutes=10)
    assert (await book("clerks-1", starts_at=at.isoformat())).status_code == 201
    long, short, shorter = await take(QUARTER), await take(FIVE_MINUTES), await take(FIVE_MINUTES)
    assert await call() == 1
    assert [(await present(ticket))["state"] for ticket in (long, short, shorter)] == ["waiting", "called", "waiting"]


async def test_who_needs_a_specialist_finds_them_free(
    take: Take, call: Any, present: Any, edit_timetable: Any, stored: Any
) -> None:
    clerks = [{"lane": 0, "name": "Ada"}, {"lane": 1, "name": "Ben", "skills": [FIVE_MINUTES]}]
    await edit_timetable("clerks-2", clerks=clerks)
    anybody, specialist = await take(FIVE_MINUTES, "clerks-2"), await take(QUARTER, "clerks-2")
    assert await call("clerks-2") == 2
    assert [(await present(ticket))["state"] for ticket in (anybody, specialist)] == ["called", "called"]
    minutes = {row["lane"]: row["ends_at"] - row["starts_at"] for row in await stored("appointment")}
    assert minutes == {0: timedelta(minutes=15), 1: timedelta(minutes=5)}


async def test_a_hold_of_somebody_else_is_respected(
    client: httpx.AsyncClient, take: Take, call: Any, book: Any
) -> None:
    body = {"services": [FIVE_MINUTES], "starts_at": (NOON + timedelta(minutes=10)).isoformat()}
    await take(QUARTER)
    assert (await client.post("/offices/clerks-1/holds", json=body)).status_code == 201
    assert await call() == 0


async def test_a_clerk_who_is_ill_calls_nobody(
    client: httpx.AsyncClient, take: Take, call: Any, signed_in: Any
) -> None:
    body = {
        "lane": 0,
        "starts_at": (NOON - timedelta(hours=1)).isoformat(),
        "ends_at": (NOON + timedelta(hours=1)).isoformat(),
        "reason": "sick",
    }
    blocked = await client.post("/office/blocked-times", json=body, headers=signed_in("lead", "clerks-1"))
    assert blocked.status_code == 201, blocked.text
    assert (await take())["estimate_seconds"] == 3600
    assert await call() == 0


async def test_a_call_that_runs_over_keeps_its_clerk(
    take: Take, call: Any, present: Any, end: Any, pass_time: Any
) -> None:
    talking, waiting = await take(), await take()
    await call()
    await end("booked", call_started_at=NOON)
    await pass_time(6, waiting)
    assert await call() == 0
    assert 0 < (await present(waiting))["estimate_seconds"] <= 120
    await end("completed", talk_seconds=400)
    assert await call() == 1
    assert (await present(talking))["state"] == "gone"


async def test_a_case_that_a_clerk_forgot_to_finish_does_not_keep_the_lane_for_ever(
    take: Take, call: Any, end: Any, pass_time: Any
) -> None:
    _, waiting = await take(), await take()
    await call()
    await end("booked", call_started_at=NOON, talk_seconds=300)
    await pass_time(19, waiting)
    assert await call() == 0
    await pass_time(2, waiting)
    assert await call() == 1


async def test_an_appointment_to_which_nobody_came_frees_the_lane_at_its_end(
    take: Take, call: Any, book: Any, clock: Any, pass_time: Any
) -> None:
    await book("clerks-1", starts_at=NOON.isoformat())
    waiting = await take()
    assert waiting["estimate_seconds"] == 5 * 60
    assert await call() == 0
    await pass_time(5, waiting)
    assert await call() == 1


async def test_the_rest_of_a_missed_appointment_flows_to_the_queue(
    client: httpx.AsyncClient, take: Take, call: Any, book: Any, pass_time: Any, signed_in: Any
) -> None:
    missed = (await book("clerks-1", starts_at=NOON.isoformat(), services=[{"service_id": QUARTER}])).json()
    waiting = await take()
    await pass_time(2, waiting)
    assert await call() == 0
    path = f"/office/appointments/{missed['appointment_id']}/no-show"
    assert (await client.post(path, headers=signed_in("clerk", "clerks-1"))).is_success
    assert await call() == 1


async def test_a_slot_that_was_given_back_flows_to_the_queue_when_it_begins(
    client: httpx.AsyncClient, take: Take, call: Any, book: Any, pass_time: Any, clock: Any
) -> None:
    at = NOON + timedelta(minutes=5)
    taken = (await book("clerks-1", starts_at=at.isoformat())).json()
    headers = {"Authorization": f"Bearer {taken['link'].split('#')[1]}"}
    waiting = await take(QUARTER)
    assert await call() == 0
    assert (await client.post("/appointment/cancellation", headers=headers)).status_code == 200
    assert await call() == 1
    assert (await client.post("/walk-in/departure", headers=bearer(waiting))).json()["code"] == "already_called"


async def test_a_clerk_has_their_pause_after_a_call_that_was_short(
    take: Take, call: Any, end: Any, pass_time: Any, clock: Any
) -> None:
    _, second = await take(office="town"), await take(office="town", service=QUARTER)
    third = await take(office="town")
    assert await call("town") == 2
    await pass_time(2, second, third)
    await end("completed", talk_seconds=100, changed_at=clock.now)
    await pass_time(4, third)
    assert await call("town") == 0
    await pass_time(1, third)
    assert await call("town") == 1


# ---- several processes, races, crashes


async def test_of_ten_processes_one_calls_the_first_for_one_lane(
    app: FastAPI, settings: Settings, take: Take, present: Any, stored: Any, clock: Any
) -> None:
    tickets = [await take() for _ in range(3)]
    databases = [Database(str(settings.database_url), clock=clock) for _ in range(10)]

    async def process(database: Database) -> int:
        hall = replace(app.state.hall, paces=Paces())
        offer = hall.desk.offers["clerks-1"]
        return sum([await calling.call_waiting(hall, database, offer, clock()) for _ in range(3)])

    assert sum(await asyncio.gather(*(process(database) for database in databases))) == 1
    for database in databases:
        await database.close()
    assert len(await stored("appointment")) == 1
    assert [(await present(ticket))["state"] for ticket in tickets] == ["called", "waiting", "waiting"]


@pytest.mark.parametrize("round_", range(5))
async def test_a_caller_and_a_booking_of_the_same_minutes_are_never_both_there(
    take: Take, call: Any, book: Any, stored: Any, round_: int
) -> None:
    await take(QUARTER)
    booked, *called = await asyncio.gather(
        book("clerks-1", starts_at=NOON.isoformat(), services=[{"service_id": QUARTER}]), *(call() for _ in range(3))
    )
    assert (booked.status_code == 201) + sum(called) == 1
    assert len(await stored("appointment")) == 1
    assert {row["state"] for row in await stored("walk_in")} == ({"called"} if sum(called) else {"waiting"})


@pytest.mark.parametrize("round_", range(10))
async def test_whoever_leaves_while_being_called_has_left_or_is_called(
    client: httpx.AsyncClient, take: Take, call: Any, stored: Any, round_: int
) -> None:
    ticket = await take()
    called, left = await asyncio.gather(call(), client.post("/walk-in/departure", headers=bearer(ticket)))
    assert (called, left.status_code) in ((1, 409), (0, 204))
    assert len(await stored("appointment")) == called


async def test_a_crash_in_the_middle_leaves_no_half_called_number(
    take: Take, call: Any, present: Any, stored: Any, database: Database
) -> None:
    ticket = await take()
    async with database.transaction() as tx:
        await tx.execute("ALTER TABLE walk_in ADD CONSTRAINT crash CHECK (state <> 'called') NOT VALID")
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await call()
    finally:
        async with database.transaction() as tx:
            await tx.execute("ALTER TABLE walk_in DROP CONSTRAINT crash")
    assert await stored("appointment") == await stored("outbox") == []
    assert (await present(ticket))["state"] == "waiting"
    assert await call() == 1


async def test_the_worker_calls_who_waits_without_being_asked(
    app: FastAPI, database: Database, take: Take, present: Any, clock: Any
) -> None:
    ticket = await take()
    woken = asyncio.Event()
    running = asyncio.create_task(work(app.state.hall, database, clock, woken))
    try:
        async with asyncio.timeout(5):
            while (await present(ticket))["state"] != "called":
                await asyncio.sleep(0.02)
    finally:
        running.cancel()


# ---- going


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
    client: httpx.AsyncClient, take: Take, present: Any, stored: Any
) -> None:
    leaving, other = await take(), await take()
    for _ in range(2):  # a repetition is no error
        assert (await client.post("/walk-in/departure", headers=bearer(leaving))).status_code == 204
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
    for hours, erased in ((24, 0), (25, 1)):
        async with database.transaction() as tx:
            assert await queue_store.erase_old(tx, NOON + timedelta(hours=hours)) == erased
    [row] = await stored("walk_in")
    assert (row["state"], row["name"], row["email"]) == ("gone", "", "")


# ---- how long it takes


async def _talks(database: Database, service: str, *seconds: int, minutes: int = 5) -> None:
    async with database.transaction() as tx:
        for index, talk in enumerate(seconds):
            await tx.execute(
                """
                INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                         language, link_generation, booked_at, changed_at, talk_seconds)
                VALUES (gen_random_uuid(), 'clerks-1', :reference, 0, :start, :end, 'completed',
                        CAST(:services AS jsonb), '', '', 'de', 1, :start, :start, :talk)
                """,
                reference=f"{service[:4]}-{index}",
                start=NOON - timedelta(days=2, minutes=index),
                end=NOON - timedelta(days=2, minutes=index - minutes),
                services=f'[{{"service_id": "{service}", "persons": 1}}]',
                talk=talk,
            )


async def test_without_experience_the_estimate_is_what_the_catalogue_says(take: Take) -> None:
    estimates = [(await take(service))["estimate_seconds"] for service in (FIVE_MINUTES, QUARTER, FIVE_MINUTES)]
    assert estimates == [0, 5 * 60, 20 * 60]


async def test_the_estimate_is_made_of_how_long_conversations_took(take: Take, database: Database) -> None:
    await _talks(database, FIVE_MINUTES, 100, 110, 120, 130, 140)  # two minutes on average
    await _talks(database, QUARTER, 9999, 9999, 9999, 9999, minutes=15)  # too few to go by
    estimates = [(await take(service))["estimate_seconds"] for service in (FIVE_MINUTES, QUARTER, FIVE_MINUTES)]
    assert estimates == [0, 2 * 60, 17 * 60]


async def test_only_the_newest_fifty_conversations_count(take: Take, database: Database) -> None:
    await _talks(database, FIVE_MINUTES, *([60] * 50), *([3600] * 20))
    await take()
    assert (await take())["estimate_seconds"] == 60


async def test_more_clerks_and_appointments_in_between_change_the_estimate(
    client: httpx.AsyncClient, take: Take, book: Any
) -> None:
    await book("clerks-2", starts_at=NOON.isoformat(), services=[{"service_id": QUARTER}])
    await book("clerks-2", starts_at=(NOON + timedelta(minutes=10)).isoformat())
    # One lane is free for ten minutes, then again after a quarter of an hour, like the other one.
    estimates = [(await take(office="clerks-2"))["estimate_seconds"] for _ in range(4)]
    assert estimates == [0, 5 * 60, 15 * 60, 15 * 60]
    assert (await look(client, "clerks-2", QUARTER))["estimate_seconds"] == 20 * 60


async def test_the_estimate_shrinks_as_time_passes_and_the_one_before_talks(
    take: Take, call: Any, end: Any, present: Any, pass_time: Any
) -> None:
    first, second = await take(), await take()
    await call()
    await end("booked", call_started_at=NOON)
    assert (await present(second))["estimate_seconds"] == 5 * 60
    await pass_time(3, second)
    assert (await present(second))["estimate_seconds"] == 2 * 60
    assert (await present(first))["state"] == "called"


async def test_the_estimate_reads_ranges_of_indexes_however_many_appointments_there_are(
    take: Take, database: Database
) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                     language, link_generation, booked_at, changed_at, talk_seconds, call_started_at)
            SELECT gen_random_uuid(), 'clerks-1', 'S' || n, 0, at, at + interval '5 minutes',
                   CASE WHEN at < :now THEN 'completed' ELSE 'booked' END, '[{"service_id": "anmeldung"}]', '', '',
                   'de', 1, at, at, CASE WHEN at < :now THEN 100 END, CASE WHEN at < :now THEN at END
              FROM generate_series(-10000, 10000) AS n,
                   LATERAL (SELECT CAST(:now AS timestamptz) + n * interval '5 minutes') AS t (at)
            """,
            now=NOON,
        )
    async with database.transaction() as tx:
        await tx.execute("ANALYZE appointment")
        shares = {"office": "clerks-1", "now": NOON, "newest": 50, "at_least": 5}
        for query, index, parameters in (
            (SHARES, "appointment_talked", shares),
            (RUNNING, "appointment_in_call", {"office": "clerks-1", "now": NOON}),
        ):
            plan = await tx.rows(f"EXPLAIN {query}", **parameters)
            text = "\n".join(row["QUERY PLAN"] for row in plan)
            assert index in text, text
            assert "Seq Scan" not in text, text
