"""When the relay looks into the outbox: at once for what is committed here, and nothing waits for its next look."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
import structlog
from structlog.testing import capture_logs

from chassis import outbox
from chassis.bus import BusError
from chassis.database import Database
from chassis.outbox import Relay
from contracts.base import Meta
from contracts.samples import load

SAMPLE = load()["casework.stage_changed.v1"][1]


class Bus:
    """Takes everything at once, and keeps the ids."""

    def __init__(self) -> None:
        self.ids: list[UUID] = []

    async def publish_all(self, messages: list[tuple[str, bytes, dict[str, str]]]) -> None:
        self.ids += [Meta.from_headers(headers).id for _, _, headers in messages]

    async def ready(self) -> None: ...


@pytest.fixture
def bus() -> Bus:
    return Bus()


@asynccontextmanager
async def relaying(database: Database, bus: Bus) -> AsyncIterator[None]:
    relay = Relay(database.url, bus, lambda: datetime.now(UTC))
    database.on_publish(relay.hand)
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def publish(database: Database, count: int = 1) -> list[UUID]:
    async with database.transaction() as tx:
        return [(await tx.publish(SAMPLE)).id for _ in range(count)]


async def forwarded(bus: Bus, count: int) -> list[UUID]:
    async with asyncio.timeout(20):
        while len(bus.ids) < count:
            await asyncio.sleep(0.001)
    return bus.ids


@pytest.fixture
def _never_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_POLL_SECONDS", 3600)


@pytest.mark.usefixtures("_never_looks_again")
@pytest.mark.parametrize("together", [1, 2, 3, 40])
async def test_what_is_committed_here_goes_at_once_one_by_one_or_together(
    database: Database, bus: Bus, together: int
) -> None:
    async with relaying(database, bus):
        ids = await publish(database)
        await forwarded(bus, 1)
        ids += await publish(database, together)
        await forwarded(bus, 1 + together)
        for _ in range(3):
            ids += await publish(database)
        assert await forwarded(bus, len(ids)) == ids


@pytest.mark.usefixtures("_never_looks_again")
async def test_more_than_a_batch_goes_without_another_look(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 5)
    ids = await publish(database, 12)
    async with relaying(database, bus):
        assert await forwarded(bus, 12) == ids
        ids += await publish(database)
        assert await forwarded(bus, 13) == ids


@pytest.mark.usefixtures("_never_looks_again")
async def test_two_transactions_that_end_together_are_both_forwarded(database: Database, bus: Bus) -> None:
    async with relaying(database, bus):
        ids = await publish(database)
        await forwarded(bus, 1)
        async with database.transaction() as first, database.transaction() as second:
            ids += [(await first.publish(SAMPLE)).id, (await second.publish(SAMPLE)).id]
        assert set(await forwarded(bus, 3)) == set(ids)


async def test_one_that_comes_alone_waits_for_no_others(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_GATHER_SECONDS", 3600)
    async with relaying(database, bus):
        for count in range(1, 6):
            await publish(database)
            await forwarded(bus, count)


async def test_each_is_marked_with_the_time_at_which_the_bus_had_it(database: Database, bus: Bus) -> None:
    before = datetime.now(UTC)
    async with relaying(database, bus):
        for number in (1, 2, 3):
            await publish(database, number)
        await forwarded(bus, 6)
        async with asyncio.timeout(10):
            while True:
                async with database.autocommit() as tx:
                    rows = await tx.rows("SELECT published_at FROM outbox WHERE published_at IS NOT NULL")
                if len(rows) == 6:
                    break
    assert all(before <= row["published_at"] <= datetime.now(UTC) for row in rows)
    assert len(set(bus.ids)) == len(bus.ids) == 6


class Full(Bus):
    """Takes nothing, and says so at once, until there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0
        self.room = False

    async def publish_all(self, messages: list[tuple[str, bytes, dict[str, str]]]) -> None:
        if not self.room:
            self.refused += 1
            raise BusError("maximum bytes exceeded")
        await super().publish_all(messages)

    async def ready(self) -> None:
        await asyncio.sleep(0.01)


async def test_a_bus_that_takes_nothing_is_told_once_and_again_when_it_happens_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "log", structlog.get_logger())  # one that no test has used is captured
    bus = Full()
    with capture_logs() as lines:
        async with relaying(database, bus):
            for times in (1, 2):
                bus.refused, bus.room = 0, False
                await publish(database)
                async with asyncio.timeout(20):
                    while bus.refused < 5:
                        await asyncio.sleep(0.01)
                bus.room = True
                await forwarded(bus, times)
    assert [line["event"] for line in lines] == ["waiting_for_the_bus"] * 2
    assert lines[0]["error"] == "maximum bytes exceeded"


async def test_it_is_told_again_while_it_lasts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "log", structlog.get_logger())
    monkeypatch.setattr(outbox, "_SAY_SECONDS", 0.2)
    bus = Full()
    with capture_logs() as lines:
        async with relaying(database, bus):
            await publish(database)
            async with asyncio.timeout(20):
                while len(lines) < 3:
                    await asyncio.sleep(0.01)
    assert bus.refused > len(lines)
