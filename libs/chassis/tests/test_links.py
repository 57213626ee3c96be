"""The link to the bus or to the database is cut, hangs, or loses the answers: every event has its effect once, and all
goes on by itself (F10-F12).

Events are committed all the time by somebody whose own link is well; relay and consumer work over the bad ones.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from link import Link, link_to
from listening import listens

from chassis.bus import Bus
from chassis.consumer import Consumer
from chassis.database import Database, Transaction
from chassis.service import create_app
from chassis.settings import ServiceSettings
from contracts.base import Event, Meta
from contracts.casework import StageChanged
from contracts.samples import load
from contracts.topology import dead_letters

SAMPLE = load()["casework.stage_changed.v1"][1]
#: How long after the link is well again the last event has its effect.
BACK_SECONDS = 15.0
#: How long it may take to notice that a connection is dead of which nobody said so; without limits it were for ever.
NOTICED_SECONDS = 120.0


def clock() -> datetime:
    return datetime.now(UTC)


class Links:
    """The service's links to the database and to the bus."""

    def __init__(self, database: Link, bus: Link) -> None:
        self.database, self.bus = database, bus
        #: Somebody is amid a transaction, and goes on when the test lets them.
        self.amid, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()


@pytest.fixture
async def links(
    database: Database, bus: Bus, offices_dir: Path, nats_url: str, migrations: Path
) -> AsyncIterator[Links]:
    """A service that publishes and consumes over links of its own; its effects are rows in the database."""

    async def handle(tx: Transaction, _: Event, meta: Meta) -> None:
        await tx.execute("INSERT INTO effect (event_id) VALUES (:id)", id=meta.id)
        service.amid.set()
        await service.go_on.wait()

    await listens(bus, "casework")
    async with AsyncExitStack() as stack:
        to_database = await stack.enter_async_context(link_to(port_of(database.url)))
        to_bus = await stack.enter_async_context(link_to(port_of(nats_url)))
        service = Links(to_database, to_bus)
        settings = ServiceSettings(
            database_url=database.url.replace(f":{port_of(database.url)}/", f":{to_database.port}/"),
            nats_url=f"nats://127.0.0.1:{to_bus.port}",
            public_url="http://localhost",
            offices_dir=offices_dir,
        )
        app = create_app(
            "casework",
            settings,
            title="Test",
            migrations_dir=migrations,
            routers=[],
            consumers=[Consumer(StageChanged, handle)],
        )
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield service
        for link in (to_database, to_bus):
            link.mend()


@pytest.fixture(scope="module")
def migrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("migrations")
    (directory / "versions").mkdir()
    (directory / "env.py").write_text("from chassis.migrations import run\n\nrun()\n")
    (directory / "versions" / "0001_none.py").write_text(
        "revision, down_revision = '0001', None\ndef upgrade(): pass\n"
    )
    return directory


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


class Committing:
    """Commits an event every few milliseconds over the well link, and knows which."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ids: list[UUID] = []
        self.over = False

    async def run(self) -> None:
        while not self.over:
            async with self._database.transaction() as tx:
                meta = await tx.publish(SAMPLE)
            self.ids.append(meta.id)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def committing(database: Database) -> AsyncIterator[Committing]:
    source = Committing(database)
    task = asyncio.create_task(source.run())
    try:
        yield source
    finally:
        source.over = True  # not cancelled: it must know of all that it has committed
        await task


async def effects(database: Database) -> Counter[UUID]:
    async with database.autocommit() as tx:
        return Counter(row["event_id"] for row in await tx.rows("SELECT event_id FROM effect"))


async def all_applied(database: Database, ids: list[UUID], seconds: float) -> None:
    """Return when all of `ids` have had their effect. An event with two of them fails the test at once."""
    deadline = time.monotonic() + seconds
    while True:
        found = await effects(database)
        assert all(count == 1 for count in found.values()), "twice"
        late = set(ids) - found.keys()
        if not late:
            return
        assert time.monotonic() < deadline, f"{len(late)} of {len(ids)} events have had no effect after {seconds} s"
        await asyncio.sleep(0.05)


async def flows(database: Database, source: Committing, seconds: float) -> None:
    """What is committed from now on has its effect."""
    count = len(source.ids)
    while len(source.ids) < count + 5:
        await asyncio.sleep(0.01)
    await all_applied(database, source.ids[: count + 5], seconds)


Trouble = Callable[[Link], Any]


async def is_cut(link: Link) -> None:
    link.cut()
    await asyncio.sleep(2)
    link.mend()


async def hangs(link: Link) -> None:
    link.hang("there", "back")
    await asyncio.sleep(4)
    link.mend()


async def loses_the_answers(link: Link) -> None:
    """What was asked was done, but nobody heard; then the connection breaks."""
    for _ in range(3):
        link.hang("back")
        await asyncio.sleep(0.5)
        link.cut()
        link.mend()
        await asyncio.sleep(0.5)


async def loses_the_requests(link: Link) -> None:
    """Nothing was done of what was asked, and nobody heard of that; then the connection breaks."""
    for _ in range(3):
        link.hang("there")
        await asyncio.sleep(0.5)
        link.cut()
        link.mend()
        await asyncio.sleep(0.5)


@pytest.mark.parametrize("to", ["database", "bus"])
@pytest.mark.parametrize("trouble", [is_cut, hangs, loses_the_answers, loses_the_requests])
async def test_when_the_link_is_well_again_all_has_its_effect_once(
    database: Database, bus: Bus, links: Links, to: str, trouble: Trouble
) -> None:
    async with committing(database) as source:
        await flows(database, source, 30)
        await trouble(getattr(links, to))
        await flows(database, source, BACK_SECONDS)
    await all_applied(database, source.ids, BACK_SECONDS)
    assert await effects(database) == Counter(source.ids)
    assert (await bus.jetstream.stream_info(dead_letters("casework").name)).state.messages == 0


@pytest.mark.parametrize("to", ["database", "bus"])
async def test_a_connection_that_is_dead_without_a_word_is_given_up(
    database: Database, bus: Bus, links: Links, to: str
) -> None:
    """As after a firewall has lost its memory: nothing passes over what stands, new connections do."""
    async with committing(database) as source:
        await flows(database, source, 30)
        getattr(links, to).forget()
        await flows(database, source, NOTICED_SECONDS)
    await all_applied(database, source.ids, BACK_SECONDS)
    assert await effects(database) == Counter(source.ids)
    assert (await bus.jetstream.stream_info(dead_letters("casework").name)).state.messages == 0


async def test_a_transaction_on_a_dead_connection_keeps_nobody_waiting_for_its_locks(
    database: Database, bus: Bus, links: Links
) -> None:
    """Its end in the database knows nothing of that death, and holds the very rows that the next try needs."""
    async with committing(database) as source:
        await flows(database, source, 30)
        links.go_on.clear()
        links.amid.clear()
        await asyncio.wait_for(links.amid.wait(), 30)
        links.database.forget()
        links.go_on.set()
        await flows(database, source, NOTICED_SECONDS)
    await all_applied(database, source.ids, BACK_SECONDS)
    assert await effects(database) == Counter(source.ids)
