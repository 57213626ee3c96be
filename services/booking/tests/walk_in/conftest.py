"""A queue whose worker rests, the people in it, and time that passes while their pages are heard of."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from booking.walkin import calling
from booking.walkin.durations import Durations
from chassis.database import Database

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)  # Tuesday, 12:00 in Berlin
FIVE_MINUTES = "fuehrungszeugnis"
Json = dict[str, Any]
Take = Callable[..., Awaitable[Json]]


@pytest.fixture(scope="module")
def by_hand() -> Iterator[None]:
    """The worker rests: these tests call the queue when they mean to. One of them lets it run."""

    async def rest(*_: object) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("booking.app.walk_in.run", rest)
        yield


@pytest.fixture(autouse=True)
def at_work(come_to_work: object) -> None:
    """The clerks are there."""


@pytest.fixture
def take(app: FastAPI, client: httpx.AsyncClient, order: Any, clock: Any) -> Take:
    """`await take(service, office=, key=, **changes)`: somebody takes a number."""
    clock.now = NOON
    app.state.walk_in = replace(app.state.walk_in, durations=Durations())  # no experience from the test before

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
        context = app.state.walk_in
        return await calling.call_waiting(context, database, context.deps.offices[office], clock())

    return now


@pytest.fixture
def present(client: httpx.AsyncClient) -> Callable[[Json], Awaitable[Json]]:
    """`await present(ticket)`: what their page hears with the next heartbeat."""

    async def beat(ticket: Json) -> Json:
        answer = await client.post("/walk-in/presence", headers=_bearer(ticket))
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
        newest = "(SELECT id FROM ours.appointment ORDER BY booked_at DESC, starts_at DESC LIMIT 1)"
        async with database.transaction() as tx:
            await tx.execute(f"UPDATE appointment SET {sets} WHERE id = {newest}", **fields)  # noqa: S608

    return finish


@pytest.fixture
def depart(client: httpx.AsyncClient) -> Callable[[Json], Awaitable[httpx.Response]]:
    """`await depart(ticket)`: they go."""

    async def leave(ticket: Json) -> httpx.Response:
        return await client.post("/walk-in/departure", headers=_bearer(ticket))

    return leave


@pytest.fixture
def look(client: httpx.AsyncClient) -> Callable[..., Awaitable[Json]]:
    """`await look(office, *services)`: what everybody sees of the queue."""

    async def see(office: str, *services: str) -> Json:
        answer = await client.get(f"/offices/{office}/walk-in", params={"services": services})
        assert answer.status_code == 200, answer.text
        seen: Json = answer.json()
        return seen

    return see


def _bearer(ticket: Json) -> dict[str, str]:
    return {"Authorization": f"Bearer {ticket['ticket']}"}
