"""Every route about a room, read from the application, asked by those who have no place in it.

Who shows no token at all, or one that is none, is met in tests/architecture/test_routes.py.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from redis.asyncio import Redis
from routes import Route, body_of, routes

from chassis.database import Database
from signaling import store
from signaling.model import Desk

TABLES = ("rooms", "participants", "calls")


async def ask(instance: Any, route: Route, token: str, body: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=instance.url.removesuffix("/api/signaling")) as client:
        return await client.request(route.method, route.path, headers={"Authorization": f"Bearer {token}"}, json=body)


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("citizen of another office", 503, "room_not_ready"),  # as when booking's event is still on its way
        ("citizen of another appointment", 503, "room_not_ready"),
        ("citizen with an older link", 410, "link_expired"),
        ("clerk of another office", 404, "not_found"),
        ("clerk with another appointment", 404, "not_found"),
    ],
)
async def test_a_room_is_there_for_its_own_office_and_its_own_link(
    instances: tuple[Any, Any],
    room: Callable[..., Awaitable[UUID]],
    database: Database,
    redis: Redis,
    citizen_token: Callable[..., str],
    clerk_token: Callable[..., str],
    who: str,
    status: int,
    code: str,
) -> None:
    """The others get no ticket, and nobody hears of them."""
    appointment_id, actor = await room("demo", generation=2), who.split()[0]
    tokens = {
        "citizen of another office": citizen_token(appointment_id, "heidelberg", gen=2),
        "citizen of another appointment": citizen_token(uuid4(), "demo", gen=2),
        "citizen with an older link": citizen_token(appointment_id, "demo", gen=1),
        "clerk of another office": clerk_token("heidelberg", role="admin"),
        "clerk with another appointment": clerk_token("demo", role="admin"),
        "citizen": citizen_token(appointment_id, "demo", gen=2),
        "clerk": clerk_token("demo"),
    }
    named = uuid4() if who == "clerk with another appointment" else appointment_id
    app = instances[0].app
    asked = [route for route in routes(app) if actor in route.actors]
    assert asked
    before = await _everything(database, redis)
    for route in asked:
        answer = await ask(instances[0], route, tokens[who], _body(app, route, actor, named))
        assert (answer.status_code, answer.json()["code"]) == (status, code), str(route)
    assert await _everything(database, redis) == before
    for route in asked:
        own = await ask(instances[0], route, tokens[actor], _body(app, route, actor, appointment_id))
        assert own.is_success, str(route)
    assert await _everything(database, redis) != before


def _body(app: Any, route: Route, actor: str, appointment_id: UUID) -> Any:
    """A clerk names the appointment; a citizen's token does."""
    body = body_of(app, route)
    return body | {"appointment_id": str(appointment_id)} if actor == "clerk" else body


async def _everything(database: Database, redis: Redis) -> list[Any]:
    async with database.transaction() as tx:
        stored = [await tx.rows(f"SELECT * FROM ours.{table}") for table in TABLES]  # noqa: S608
        told = await tx.rows("SELECT subject FROM outbox")
    return [*stored, told, sorted(await redis.keys("signaling:ticket:*"))]


async def test_who_waits_is_shown_to_their_own_office(instances: tuple[Any, Any], enter: Any, room: Any) -> None:
    appointment_id, here = await room("demo"), instances[0]
    async with (
        enter(here, "lobby", office="demo") as ours,
        enter(here, "lobby", office="heidelberg") as theirs,
        enter(here, "citizen", appointment_id),
    ):
        while not (await ours.expect("lobby"))["waiting"]:
            pass
        with suppress(TimeoutError):
            while True:
                await theirs.next(3)  # every two seconds an office is looked at again
        assert not [message for message in theirs.heard if message.get("waiting")]


async def test_an_office_counts_its_own_calls(room: Any, database: Database) -> None:
    """How many clerks are busy, and how long a call takes, says how long people wait."""
    async with database.transaction() as tx:
        for ended in (None, datetime(2026, 6, 2, 8, 10, tzinfo=UTC)):
            await tx.execute(
                "INSERT INTO calls (appointment_id, office, started_at, ended_at) VALUES (:id, 'demo', :start, :ended)",
                id=await room("demo"),
                start=datetime(2026, 6, 2, 8, tzinfo=UTC),
                ended=ended,
            )
    now = datetime(2026, 6, 2, 8, 20, tzinfo=UTC)
    async with database.transaction() as tx:
        assert await store.desk(tx, "demo", now) == Desk(running=((None, 1200.0),), finished_seconds=(600.0,))
        assert await store.desk(tx, "heidelberg", now) == Desk(running=(), finished_seconds=())
