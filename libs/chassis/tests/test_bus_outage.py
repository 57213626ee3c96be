"""The bus is killed while events are under way: nothing is lost, and nobody waits long once it is back (F6, G14)."""

import asyncio
import os
import secrets
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from listening import listens

from chassis.bus import Bus, BusError
from chassis.consumer import Consumer, Consumption
from chassis.database import Database, Transaction
from chassis.outbox import Relay
from chassis.settings import ServiceSettings
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load
from contracts.topology import ACK_WAIT
from schalter.bus import apply
from schalter.embedded import Nats, free_port
from schalter.installation import BusAccess

SAMPLE = load()["casework.stage_changed.v1"][1]
#: How long after the bus is back the last event may be applied, in seconds.
G14_SECONDS = 3.0


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def server(servers_dir: Path) -> Iterator[Nats]:
    directory = servers_dir / f"nats-{secrets.token_hex(4)}"
    with Nats(directory, free_port(), log=servers_dir / f"{directory.name}.log", durable=True) as server:
        asyncio.run(apply(BusAccess(server.url, "")))
        yield server
    shutil.rmtree(directory, ignore_errors=True)


@asynccontextmanager
async def connected(server: Nats, database: Database, offices_dir: Path) -> AsyncIterator[Bus]:
    settings = ServiceSettings(
        database_url=database.url, nats_url=server.url, public_url="http://localhost", offices_dir=offices_dir
    )
    bus = Bus("casework", settings)
    await bus.connect()
    await listens(bus, "outage", "died", "slow")
    yield bus
    await bus.close()


@asynccontextmanager
async def running(*coroutines: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(c) for c in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def killed(server: Nats) -> None:
    """kill -9, and start again on what it had stored."""
    await asyncio.to_thread(server.process.kill)
    await asyncio.to_thread(server.start)


async def test_soon_after_the_bus_is_back_every_event_has_been_applied_once(
    server: Nats, database: Database, offices_dir: Path
) -> None:
    """Events are committed all the time, and the bus dies three times between them."""
    applied: list[UUID] = []
    published: list[UUID] = []

    async def handle(_: Transaction, __: Event, meta: Meta) -> None:
        await asyncio.sleep(0.005)
        applied.append(meta.id)

    async def publish() -> None:
        while True:
            async with database.transaction() as tx:
                published.append((await tx.publish(SAMPLE)).id)
            await asyncio.sleep(0.002)

    async with connected(server, database, offices_dir) as bus:
        relay = Relay(database.url, bus, clock)
        database.on_publish(relay.hand)
        consumption = Consumption("outage", Consumer(StageChanged, handle), bus, database, clock)
        async with running(relay.run(), consumption.run()):
            for _ in range(3):
                async with running(publish()):
                    await asyncio.sleep(0.5)
                    await killed(server)
                back = time.monotonic()
                while set(published) - set(applied):
                    await asyncio.sleep(0.01)
                    waited = time.monotonic() - back
                    assert waited < G14_SECONDS, f"{len(set(published) - set(applied))} events are late"
    async with database.transaction() as tx:
        row = await tx.row("SELECT count(*) AS effects FROM inbox")
    assert row == {"effects": len(published)}


async def test_what_was_handed_to_a_process_that_died_comes_again_soon(
    server: Nats, database: Database, offices_dir: Path
) -> None:
    """Also what the bus had handed out and not yet sent when it died itself."""
    applied: list[UUID] = []

    async def handle(_: Transaction, __: Event, meta: Meta) -> None:
        applied.append(meta.id)

    async with connected(server, database, offices_dir) as bus:
        consumption = Consumption("died", Consumer(StageChanged, handle), bus, database, clock)
        dying = await bus.jetstream.pull_subscribe_bind(consumer="died-casework-stage_changed-v1", stream="CASEWORK")
        meta = Meta.of(SAMPLE, now=clock())
        await bus.publish(SAMPLE.SUBJECT, SAMPLE.model_dump_json().encode(), meta.headers())
        assert len(await dying.fetch(1)) == 1
        started = time.monotonic()
        async with running(consumption.run()):
            while not applied:
                await asyncio.sleep(0.01)
                assert time.monotonic() - started < G14_SECONDS
    assert applied == [meta.id]


async def test_what_takes_longer_than_the_bus_waits_is_not_handed_out_again(
    server: Nats, database: Database, offices_dir: Path
) -> None:
    """The handler takes longer than ack_wait: heartbeats keep the message with it."""
    begun: list[UUID] = []
    done: list[UUID] = []

    async def handle(_: Transaction, __: Event, meta: Meta) -> None:
        begun.append(meta.id)
        await asyncio.sleep(ACK_WAIT.total_seconds() * 1.75)
        done.append(meta.id)

    async with connected(server, database, offices_dir) as bus:
        consumption = Consumption("slow", Consumer(StageChanged, handle), bus, database, clock)
        async with running(consumption.run()):
            meta = Meta.of(SAMPLE, now=clock())
            await bus.publish(SAMPLE.SUBJECT, SAMPLE.model_dump_json().encode(), meta.headers())
            while not done:
                await asyncio.sleep(0.05)
            info = await bus.jetstream.consumer_info("CASEWORK", "slow-casework-stage_changed-v1")
            assert info.num_redelivered == 0
    assert begun == [meta.id]


async def stop(server: Nats) -> None:
    """Every thread of it stands still: the signal takes a moment, in which it could still answer."""
    os.kill(server.process.pid, signal.SIGSTOP)
    threads = Path(f"/proc/{server.process.pid}/task")
    async with asyncio.timeout(5):
        while any(_state(thread) != "T" for thread in threads.iterdir()):
            await asyncio.sleep(0.001)


def _state(thread: Path) -> str:
    return (thread / "stat").read_text().rpartition(") ")[2][0]


async def test_a_publisher_hears_at_once_that_the_bus_has_died(
    server: Nats, database: Database, offices_dir: Path
) -> None:
    """Not after the seconds that an acknowledgement may take; and while it is away nothing is kept for later."""
    async with connected(server, database, offices_dir) as bus:
        await stop(server)
        waiting = asyncio.create_task(bus.publish(SAMPLE.SUBJECT, b"{}", {}))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await asyncio.to_thread(server.process.kill)
        with pytest.raises(BusError):
            await waiting
        with pytest.raises(BusError):
            await bus.publish(SAMPLE.SUBJECT, b"{}", {})
        assert time.monotonic() - started < 1
