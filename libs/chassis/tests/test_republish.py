"""What was published is published again on request: handed out once more, and applied only where it had not been."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from listening import listens

from chassis.bus import Bus
from chassis.consumer import Consumer, Consumption
from chassis.database import Database, Transaction
from chassis.outbox import Relay
from chassis.republish import instant, republish
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load
from contracts.topology import dead_letters

SAMPLE = load()["casework.stage_changed.v1"][1]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def clock() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def running(*coroutines: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def commit(database: Database, count: int) -> list[UUID]:
    async with database.transaction() as tx:
        return [(await tx.publish(SAMPLE)).id for _ in range(count)]


async def all_published(database: Database) -> None:
    async with asyncio.timeout(30):
        while True:
            async with database.autocommit() as tx:
                if not await tx.rows("SELECT 1 FROM outbox WHERE published_at IS NULL"):
                    return
            await asyncio.sleep(0.02)


async def test_a_consumer_that_lost_its_database_hears_it_again_and_the_others_apply_it_once(
    database: Database, bus: Bus
) -> None:
    """Within the time in which the bus remembers what it was sent, and would drop what comes again."""
    applied: dict[str, list[UUID]] = {"restored": [], "well": []}

    def consumption(name: str) -> Consumption:
        async def handle(_: Transaction, __: Event, meta: Meta) -> None:
            applied[name].append(meta.id)

        return Consumption(name, Consumer(StageChanged, handle), bus, database, clock)

    async def until_applied(name: str, count: int) -> None:
        async with asyncio.timeout(30):
            while len(applied[name]) < count:
                await asyncio.sleep(0.02)

    await listens(bus, "restored", "well")
    relay = Relay(database.url, bus, clock)
    async with running(relay.run(), consumption("restored").run(), consumption("well").run()):
        ids = await commit(database, 12)
        await until_applied("restored", 12)
        await until_applied("well", 12)
        await all_published(database)
        async with database.transaction() as tx:
            await tx.execute("DELETE FROM inbox WHERE consumer LIKE 'restored%'")

        assert await republish(database.url, LONG_AGO, now=clock()) == {SAMPLE.SUBJECT: 12}
        await until_applied("restored", 24)
        # What comes after them on the same way tells that they have come by.
        ids += await commit(database, 1)
        await until_applied("well", 13)
    assert sorted(applied["well"]) == sorted(ids)
    assert sorted(applied["restored"]) == sorted([*ids[:12], *ids])
    for service in applied:
        assert (await bus.jetstream.stream_info(dead_letters(service).name)).state.messages == 0


async def test_only_what_was_published_since_then_and_it_may_be_repeated(database: Database, bus: Bus) -> None:
    old, *new = await commit(database, 3)
    async with running(Relay(database.url, bus, clock).run()):
        await all_published(database)
        async with database.transaction() as tx:
            past = clock() - timedelta(hours=5)
            await tx.execute("UPDATE outbox SET published_at = :past WHERE event_id = :id", past=past, id=old)
        since = clock() - timedelta(hours=1)
        assert await republish(database.url, since, now=clock(), dry_run=True) == {SAMPLE.SUBJECT: 2}
        assert (await bus.jetstream.stream_info("CASEWORK")).state.messages == 3
        for again in (1, 2):
            assert await republish(database.url, since, now=clock()) == {SAMPLE.SUBJECT: 2}
            await all_published(database)
            assert (await bus.jetstream.stream_info("CASEWORK")).state.messages == 3 + 2 * again
    message = await bus.jetstream.get_last_msg("CASEWORK", SAMPLE.SUBJECT)
    assert Meta.from_headers(message.headers or {}).id == new[-1]


async def test_what_is_not_yet_published_is_left_as_it_is(database: Database) -> None:
    await commit(database, 2)
    assert await republish(database.url, LONG_AGO, now=clock()) == {}
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT event_id, headers->>'Nats-Msg-Id' AS id FROM outbox")
    assert all(row["id"] == str(row["event_id"]) for row in rows)


async def test_in_a_container_it_finds_the_database_by_the_services_settings(
    database: Database, bus: Bus, offices_dir: Path
) -> None:
    await commit(database, 2)
    async with running(Relay(database.url, bus, clock).run()):
        await all_published(database)
    environment = os.environ | {
        "SCHALTER_DATABASE_URL": database.url,
        "SCHALTER_NATS_URL": "nats://127.0.0.1:9",
        "SCHALTER_PUBLIC_URL": "http://localhost",
        "SCHALTER_OFFICES_DIR": str(offices_dir),
    }
    command = [sys.executable, "-m", "chassis.republish", "--since", "2026-01-01T00:00+01:00"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["2", SAMPLE.SUBJECT]), done.stderr


def test_since_when_is_of_utc_unless_it_says_otherwise() -> None:
    eight = datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert instant("2026-11-22T08:00") == instant("2026-11-22T09:00+01:00") == eight
