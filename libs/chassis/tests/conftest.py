"""What tests of an event's way share: real tables and streams, empty at the start of each test."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from listening import anew
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from chassis.bus import Bus
from chassis.database import Database
from chassis.settings import ServiceSettings
from chassis.tables import IdempotentAnswer, Inbox, Outbox


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with outbox, inbox, and a table that takes a row per effect."""
    engine = create_engine("postgresql+psycopg://" + database_url.split("://", 1)[1])
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in (Outbox, Inbox, IdempotentAnswer)]
    SQLModel.metadata.create_all(engine, tables=tables)
    engine.dispose()
    database = Database(database_url, clock=_now)
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE outbox, inbox")
        await tx.execute("DROP TABLE IF EXISTS effect")
        await tx.execute("CREATE TABLE effect (event_id uuid NOT NULL)")
    yield database
    await database.close()


@pytest.fixture
async def bus(database_url: str, nats_url: str, offices_dir: Path) -> AsyncIterator[Bus]:
    """The bus as casework has it, its stream empty; who listens is said by each test."""
    settings = ServiceSettings(
        database_url=database_url, nats_url=nats_url, public_url="http://localhost", offices_dir=offices_dir
    )
    bus = Bus("casework", settings)
    await bus.connect()
    await anew(bus)
    yield bus
    await bus.close()
