"""notify on a real database, with a clock in our hands."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis import migrations
from chassis.consumer import Consumer, process
from chassis.database import Database
from contracts.base import Event, Meta
from contracts.offices import Office
from notify.app import MIGRATIONS, build
from notify.consumers import Queued, consumers
from notify.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await migrations.upgrade(database_url, MIGRATIONS)
    database = Database(database_url)
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE message, recipient, reminder, inbox, outbox")
    yield database
    await database.close()


@pytest.fixture
def apply(
    database: Database, clock: Clock, samples: Mapping[str, tuple[Meta, Event]], offices: Mapping[str, Office]
) -> Callable[..., Awaitable[bool]]:
    """`await apply(subject)`: the sample arrives. `await apply(subject, field=...)`: one like it, as a new event."""
    by_event: dict[type[Event], Consumer[Any]] = {c.event: c for c in consumers(offices, clock, Queued())}

    async def apply(subject: str, **changes: object) -> bool:
        meta, event = samples[subject]
        if changes:
            meta, event = meta.model_copy(update={"id": uuid4()}), event.model_copy(update=changes)
        return await process(database, f"notify-{subject}", by_event[type(event)], event, meta, clock=clock)

    return apply


@pytest.fixture
def settings(database_url: str, offices_dir: Path, keys: Any) -> Settings:
    return Settings(
        environment="development",
        database_url=database_url,
        nats_url="nats://unused",
        public_url="http://localhost:8080",
        offices_dir=offices_dir,
        clerk_public_key=keys.clerk.public,
        smtp_host="127.0.0.1",
        smtp_starttls=False,
    )


@pytest.fixture
async def client(settings: Settings, database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """The service's HTTP door, without its workers."""
    app = build(settings, clock=clock)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://notify/api/notify") as client:
        yield client
    await app.state.database.close()
