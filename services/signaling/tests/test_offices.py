"""Who is told what of an office: its lobby and those who wait there, each of them what is new to them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from chassis.database import Database
from signaling import store
from signaling.hub import Hub
from signaling.offices import Offices
from signaling.sockets import Watcher

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
ADA, BEN = UUID(int=1), UUID(int=2)
#: Their own offices: the running instances look at those that are shipped.
HERE, THERE = "town", "village"


@pytest_asyncio.fixture
async def hub(redis: Redis) -> Hub:
    return Hub(redis)


@pytest.fixture
def offices(hub: Hub, database: Database) -> Offices:
    return Offices(hub, database.transaction, lambda: NOW)


@pytest.fixture
def comes(
    hub: Hub, database: Database, room: Callable[..., Awaitable[UUID]], somebody: Callable[..., Any]
) -> Callable[..., Awaitable[Any]]:
    """`await comes("town", recorded=True)`: a citizen who waits there behind those before, connected here."""

    moments = count()

    async def come(office: str = HERE, *, recorded: bool = True, **more: Any) -> Any:
        citizen = somebody("citizen", await room(office), office=office, **more)
        async with database.transaction() as tx:
            await tx.execute(
                "UPDATE rooms SET starts_at = :now WHERE appointment_id = :id", now=NOW, id=citizen.appointment_id
            )
            if recorded:
                await store.enter(
                    tx, citizen.appointment_id, "citizen", office, None, NOW + timedelta(seconds=next(moments))
                )
        hub.add(citizen)
        await hub.rooms.take(citizen.place, citizen.seat)
        return citizen

    return come


def watches(hub: Hub, somebody: Callable[..., Any], office: str) -> Any:
    clerk = somebody("clerk")
    watcher = Watcher(office, "clerk", clerk.clerk_id, "s", clerk.transport, clerk.allowance, 0.0)
    hub.add(watcher)
    return watcher


async def test_an_office_is_told_of_its_own_people_and_nothing_twice(
    hub: Hub, offices: Offices, comes: Any, somebody: Any
) -> None:
    here, there = watches(hub, somebody, HERE), watches(hub, somebody, THERE)
    citizen, stranger = await comes(), await comes(THERE)
    for _ in range(2):
        await offices.show(HERE)
    (lobby,) = here.transport.heard()
    assert [entry["appointment_id"] for entry in lobby["waiting"]] == [str(citizen.appointment_id)]
    assert [frame["type"] for frame in citizen.transport.heard()] == ["waiting"]
    assert (there.transport.heard(), stranger.transport.heard()) == ([], [])
    await comes()
    await offices.show(HERE)
    assert (len(here.transport.heard()), citizen.transport.heard()) == (1, []), "one more behind them is no news"


async def test_who_is_away_for_a_moment_is_shown_as_away(hub: Hub, offices: Offices, comes: Any, somebody: Any) -> None:
    lobby, citizen = watches(hub, somebody, HERE), await comes()
    await hub.rooms.release(citizen.place, citizen.seat)
    await offices.show(HERE)
    assert [entry["present"] for entry in lobby.transport.heard()[0]["waiting"]] == [False]


async def test_nobody_is_told_of_a_queue_in_which_they_do_not_stand(offices: Offices, comes: Any) -> None:
    """Whoever was let in, and whoever has just come or gone and is not on record."""
    admitted, unrecorded = await comes(admitted=True), await comes(recorded=False)
    await offices.show(HERE)
    assert (admitted.transport.heard(), unrecorded.transport.heard()) == ([], [])


async def test_a_clerk_who_talks_is_not_counted_as_free(
    hub: Hub, offices: Offices, comes: Any, database: Database
) -> None:
    first, second = await comes(), await comes()
    async with database.transaction() as tx:
        for seconds_ago, lasted in ((1000, 300), (2000, 300), (3000, 300), (100, None)):
            await tx.execute(
                "INSERT INTO calls (appointment_id, office, clerk_id, started_at, ended_at)"
                " VALUES (:id, 'town', :clerk, :start, :end)",
                id=first.appointment_id,
                clerk=ADA,
                start=NOW - timedelta(seconds=seconds_ago),
                end=None if lasted is None else NOW - timedelta(seconds=seconds_ago - lasted),
            )
    await offices.show(HERE)
    assert [frame["clerk_present"] for frame in first.transport.heard()] == [False]
    second.transport.heard()
    await hub.rooms.clerks_at_work(HERE, [str(ADA), str(BEN)])
    await offices.show(HERE)
    told = [one.transport.heard()[0] for one in (first, second)]
    assert [(one["ahead"], one["estimate_seconds"], one["clerk_present"]) for one in told] == [
        (0, 0, True),  # Ben is free
        (1, 240, True),  # Ada, in 200 seconds
    ]


async def test_only_calls_of_the_office_tell_how_long_one_waits(
    offices: Offices, comes: Any, database: Database
) -> None:
    citizen = await comes()
    async with database.transaction() as tx:
        for number in range(5):
            await tx.execute(
                "INSERT INTO calls (appointment_id, office, clerk_id, started_at, ended_at)"
                " VALUES (:id, 'village', :clerk, :start, :start)",
                id=citizen.appointment_id,
                clerk=uuid4(),
                start=NOW - timedelta(hours=number + 1),
            )
        desk = await store.desk(tx, HERE, NOW)
    assert (desk.running, desk.finished_seconds) == ((), ())
