"""The background of the rooms: a call that began is recorded in the end, and sockets agree with what is committed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from chassis.database import Database, Transaction
from signaling import presence as module
from signaling import rooms, store
from signaling.hub import Hub
from signaling.presence import Presence
from signaling.rooms import Place

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def hub(redis: Redis) -> Hub:
    return Hub(redis)


@pytest.fixture
def presence(hub: Hub, database: Database) -> Presence:
    return Presence(hub, database.transaction, lambda: NOW)


@asynccontextmanager
async def recording(presence: Presence) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(presence.calls())
    try:
        yield task
    finally:
        task.cancel()


@pytest.fixture
def together(database: Database, room: Callable[..., Awaitable[UUID]], somebody: Any) -> Any:
    """`await together()`: a citizen and a clerk on record in an office that no instance looks at, let in."""

    async def meet(**more: Any) -> tuple[Any, Any]:
        appointment_id = await room("town")
        citizen, clerk = (somebody(role, appointment_id, office="town", **more) for role in ("citizen", "clerk"))
        async with database.transaction() as tx:
            for one in (citizen, clerk):
                await store.enter(tx, appointment_id, one.role, "town", one.clerk_id, NOW)
            await store.set_admitted(tx, appointment_id, NOW)
        return citizen, clerk

    return meet


async def started(database: Database) -> list[datetime]:
    async with database.transaction() as tx:
        return [row["started_at"] for row in await tx.rows("SELECT started_at FROM calls WHERE office = 'town'")]


async def test_a_call_that_began_while_the_database_was_away_is_recorded_when_it_is_back(
    hub: Hub, database: Database, together: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PULSE_SECONDS", 0)
    tries, clock = iter((ConnectionResetError, ConnectionResetError)), iter((NOW, NOW + timedelta(minutes=1)))

    @asynccontextmanager
    async def transactions() -> AsyncIterator[Transaction]:
        if away := next(tries, None):
            raise away
        async with database.transaction() as tx:
            yield tx

    presence = Presence(hub, transactions, lambda: next(clock))
    citizen, clerk = await together()
    presence.connected(citizen)
    presence.connected(clerk)  # an answer of either side says the same
    async with recording(presence), asyncio.timeout(5):
        while not await started(database):
            await asyncio.sleep(0.01)
    assert await started(database) == [NOW]


async def test_what_is_wrong_with_one_call_keeps_no_other_from_being_recorded(
    hub: Hub, database: Database, together: Any
) -> None:
    faults = iter((KeyError("wrong"),))

    @asynccontextmanager
    async def transactions() -> AsyncIterator[Transaction]:
        if fault := next(faults, None):
            raise fault
        async with database.transaction() as tx:
            yield tx

    presence = Presence(hub, transactions, lambda: NOW)
    presence.connected((await together())[0])
    async with recording(presence) as task:
        with pytest.raises(KeyError):
            await asyncio.wait_for(task, 5)
    presence.connected((await together())[0])
    async with recording(presence), asyncio.timeout(5):
        while not await started(database):
            await asyncio.sleep(0.01)
    assert len(await started(database)) == 1


async def test_of_a_room_that_is_gone_nobody_leaves(presence: Presence) -> None:
    await presence.left(Place(uuid4(), "citizen"), at=NOW)


async def _changed(database: Database, appointment_id: UUID, change: str) -> None:
    async with database.transaction() as tx:
        sql = f"UPDATE rooms SET {change} WHERE appointment_id = :id"  # noqa: S608 - a constant of ours
        await tx.execute(sql, id=appointment_id)


@pytest.mark.parametrize(
    ("change", "citizens", "clerks"),
    [
        ("state = 'open'", [], []),
        ("state = 'completed'", ["closed"], ["closed"]),
        ("link_generation = 2", ["closed"], []),
        ("admitted_at = NULL", ["dismissed"], ["dismissed"]),
        ("stage = 'payment', revision = 0", ["case-changed"], ["case-changed"]),
    ],
)
async def test_what_a_lost_message_would_have_said_is_made_good(
    hub: Hub, presence: Presence, database: Database, together: Any, change: str, citizens: list[str], clerks: list[str]
) -> None:
    citizen, clerk = await together(admitted=True)
    citizen.generation = 1
    for one in (citizen, clerk):
        hub.add(one)
    await _changed(database, citizen.appointment_id, change)
    for _ in range(2 if change != "link_generation = 2" and "completed" not in change else 1):
        await presence.agree()
    assert [frame["type"] for frame in citizen.transport.heard()] == citizens
    assert [frame["type"] for frame in clerk.transport.heard()] == clerks


async def test_who_is_here_but_not_on_record_is_recorded_again(
    hub: Hub, presence: Presence, database: Database, together: Any, published: Any
) -> None:
    citizen, clerk = await together(admitted=True)
    citizen.generation = 1
    for one in (citizen, clerk):
        hub.add(one)
    async with database.transaction() as tx:
        await store.remove(tx, citizen.appointment_id)
    hub.remove(clerk)  # left while the round was on its way
    for _ in range(2):
        await presence.agree()
    events = await published(citizen.appointment_id)
    assert [(event["subject"], event.get("role")) for event in events] == [
        ("signaling.participant_waiting.v1", "citizen")
    ]
    async with database.transaction() as tx:
        assert Place(citizen.appointment_id, "citizen") in await store.present_places(tx)


async def test_a_room_that_is_not_known_here_is_left_alone(hub: Hub, presence: Presence, somebody: Any) -> None:
    citizen = somebody()
    hub.add(citizen)
    await presence.agree()
    assert (citizen.transport.heard(), citizen.transport.closed) == ([], None)


@asynccontextmanager
async def _departing(presence: Presence) -> AsyncIterator[None]:
    task = asyncio.create_task(presence.departures())
    try:
        yield
    finally:
        task.cancel()


@pytest.fixture
def grace(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """`grace(timedelta())`: whoever is away is due at once, and a new instance looks after so long."""

    def set_to(duration: timedelta) -> None:
        monkeypatch.setattr(rooms, "GRACE_MS", 0)
        monkeypatch.setattr(module, "GRACE", duration)

    return set_to


async def test_whoever_is_away_for_longer_than_the_grace_has_left_and_nobody_else(
    hub: Hub, presence: Presence, together: Any, published: Any, grace: Any
) -> None:
    grace(timedelta())
    citizen, clerk = await together()
    await hub.rooms.take(citizen.place, citizen.seat)
    await hub.rooms.expect([citizen.place, clerk.place])
    async with _departing(presence), asyncio.timeout(5):
        while not (events := await published(citizen.appointment_id)):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    assert [(event["role"], event["at"]) for event in events] == [("clerk", "2026-06-02T08:00:00Z")]


async def test_after_a_restart_everybody_has_their_grace_to_come_back(
    hub: Hub, presence: Presence, together: Any, published: Any, grace: Any
) -> None:
    grace(timedelta(hours=1))
    citizen, _ = await together()
    await hub.rooms.expect([citizen.place])
    async with _departing(presence):
        await asyncio.sleep(0.05)
    assert await published(citizen.appointment_id) == []
    assert citizen.place in await hub.rooms.due_departures()
