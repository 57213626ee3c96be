"""Of whom is to be forgotten the outbox keeps nothing that was published, but that they are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine

from chassis import outbox
from chassis.database import Database
from chassis.migrations import create_chassis_tables, sync_url
from contracts.samples import load
from contracts.topology import FORGETTING

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SAMPLE = load()["casework.stage_changed.v1"][1]


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


async def test_what_was_published_is_kept_for_72_hours_and_no_longer(database: Database) -> None:
    """So that nothing comes in twice: known answers as long, and the inbox longer than any stream keeps an event."""
    edges = [outbox.KEEP, outbox.KEEP + SECOND, outbox.KEEP_INBOX, outbox.KEEP_INBOX + SECOND]
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE idempotent_answers")
        for age in edges:
            meta = await tx.publish(SAMPLE)
            values = {"id": meta.id, "at": NOW - age}
            await tx.execute("UPDATE outbox SET published_at = :at WHERE event_id = :id", **values)
            await tx.execute("INSERT INTO inbox VALUES ('test', :id, :at)", **values)
            await tx.execute(
                "INSERT INTO idempotent_answers (scope, key, request_hash, created_at)"
                " VALUES ('test', CAST(CAST(:id AS uuid) AS text), '', :at)",
                **values,
            )
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database.url)
    await outbox.prune(connection, NOW)
    for table, kept, column in (
        ("outbox", edges[:1], "published_at"),
        ("idempotent_answers", edges[:1], "created_at"),
        ("inbox", edges[:3], "received_at"),
    ):
        rows = await connection.fetch(f"SELECT {column} AS at FROM {table} ORDER BY {column} DESC")  # noqa: S608
        assert [NOW - row["at"] for row in rows] == kept, table
    await connection.close()
