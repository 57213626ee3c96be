"""Of whom is to be forgotten the outbox keeps nothing that was published, but that they are."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine

from chassis import outbox
from chassis.migrations import create_chassis_tables, sync_url
from contracts.topology import FORGETTING

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


async def test_an_hour_after_somebody_is_forgotten_nothing_tells_of_them(database_url: str) -> None:
    engine = create_engine(sync_url(database_url))
    with engine.begin() as bind:
        create_chassis_tables(Operations(MigrationContext.configure(bind)))
    engine.dispose()
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database_url)
    gone, known = uuid4(), uuid4()

    async def put(subject: str, about: UUID, published: datetime | None = NOW) -> None:
        await connection.execute(
            "INSERT INTO outbox (event_id, subject, headers, body, created_at, published_at)"
            " VALUES ($1, $2, jsonb_build_object('ce-subject', $3::text), 'name', $4, $5)",
            uuid4(),
            subject,
            str(about),
            NOW,
            published,
        )

    async def kept() -> list[tuple[str, str]]:
        rows = await connection.fetch("SELECT subject, headers ->> 'ce-subject' AS about FROM outbox ORDER BY id")
        return [(row["subject"], row["about"]) for row in rows]

    forgets = FORGETTING[0]
    await put("a.told.v1", gone)
    await put("a.told.v1", known)
    await put("a.late.v1", gone, published=None)
    await put(forgets, gone, published=None)
    await outbox.prune(connection, NOW)
    assert len(await kept()) == 4, "the others do not know it yet"
    await connection.execute("UPDATE outbox SET published_at = $1 WHERE subject = $2", NOW, forgets)
    await outbox.prune(connection, NOW)
    assert await kept() == [("a.told.v1", str(known)), ("a.late.v1", str(gone)), (forgets, str(gone))]
    await connection.execute("UPDATE outbox SET published_at = $1", NOW)
    await outbox.prune(connection, NOW)
    assert await kept() == [("a.told.v1", str(known)), (forgets, str(gone))]
    await connection.close()
