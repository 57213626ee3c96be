"""Who has their workplace open is told: at every change by one instance, and again while anybody is there."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from chassis.database import Database
from signaling import store
from signaling.workplaces import SAID_AGAIN

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ADA, BEN = UUID(int=1), UUID(int=2)
Say = Callable[..., Awaitable[bool]]


@pytest_asyncio.fixture
async def say(database: Database, instances: object) -> Say:
    """`await say(*clerks, after=seconds)`: whether it is to be told. An office that no instance looks at."""
    office = f"town-{uuid4().hex[:8]}"

    async def ask(*clerks: UUID, after: float = 0) -> bool:
        async with database.transaction() as tx:
            at = NOW + timedelta(seconds=after)
            return await store.presence_to_say(tx, office, set(clerks), at, again_after=SAID_AGAIN)

    return ask


async def test_a_change_is_told_and_nothing_else(say: Say) -> None:
    assert await say()
    assert not await say(after=1)
    assert await say(ADA, after=2)
    assert not await say(ADA, after=3)
    assert await say(BEN, ADA, after=4)
    assert not await say(ADA, BEN, after=5)
    assert await say(after=6)


async def test_it_is_told_again_while_somebody_is_there_and_not_while_nobody_is(say: Say) -> None:
    await say(ADA)
    again = SAID_AGAIN.total_seconds()
    assert not await say(ADA, after=again - 1)
    assert await say(ADA, after=again)
    await say(after=again + 1)
    assert not await say(after=10 * again)


async def test_of_several_instances_one_tells(say: Say) -> None:
    assert sorted(await asyncio.gather(*(say(ADA) for _ in range(8)))) == [False] * 7 + [True]


async def test_a_clerk_who_opens_and_closes_the_lobby_comes_and_goes(
    instances: Any, enter: Any, database: Database
) -> None:
    clerk = uuid4()

    async def told(*clerks: UUID) -> None:
        while True:
            async with database.transaction() as tx:
                rows = await tx.rows(
                    "SELECT body FROM outbox WHERE subject = 'signaling.clerks_present.v1' ORDER BY id"
                )
            said = [json.loads(row["body"]) for row in rows]
            of_the_office = [one["clerks"] for one in said if one["office"] == "heidelberg"]
            if of_the_office and of_the_office[-1] == [str(one) for one in clerks]:
                return
            await asyncio.sleep(0.1)

    async with enter(instances[1], "lobby", office="heidelberg", clerk_id=clerk):
        await asyncio.wait_for(told(clerk), 15)
    await asyncio.wait_for(told(), 25)
