"""Several processes, a booking of the same minutes, a crash: one lane has one caller, and nobody is called by half."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from booking.settings import Settings
from booking.walkin import calling
from booking.walkin.durations import Durations
from booking.walkin.worker import run as work
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)  # Tuesday, 12:00 in Berlin
QUARTER = "personalausweis"
Json = dict[str, Any]
Take = Callable[..., Awaitable[Json]]


async def test_of_ten_processes_one_calls_the_first_for_one_lane(
    app: FastAPI, settings: Settings, take: Take, present: Any, stored: Any, clock: Any
) -> None:
    tickets = [await take() for _ in range(3)]
    databases = [Database(str(settings.database_url), clock=clock) for _ in range(10)]

    async def process(database: Database) -> int:
        context = replace(app.state.walk_in, durations=Durations())
        bookable = context.deps.offices["clerks-1"]
        return sum([await calling.call_waiting(context, database, bookable, clock()) for _ in range(3)])

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
    depart: Any, take: Take, call: Any, stored: Any, round_: int
) -> None:
    ticket = await take()
    called, left = await asyncio.gather(call(), depart(ticket))
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
    running = asyncio.create_task(work(app.state.walk_in, database, clock, woken))
    try:
        async with asyncio.timeout(5):
            while (await present(ticket))["state"] != "called":
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
