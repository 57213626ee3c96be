"""Schema migrations: Alembic, one history per service, applied by the service at its start.

A service's `migrations/env.py` is two lines: import `run` and call it.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
import structlog
from sqlalchemy import Connection, create_engine, text
from sqlmodel import SQLModel

from chassis.metrics import SCHEMA_VERSION
from chassis.problems import is_transient
from chassis.tables import IdempotentAnswer, Inbox, Outbox

log = structlog.get_logger(__name__)

_LOCK: Final = 5_124_001  # any number, the same for every instance of a service
_LOCK_TIMEOUT: Final = "3s"
_PATIENCE_SECONDS: Final = 60
_AGAIN_SECONDS: Final = 0.2


class Operations(Protocol):
    """Alembic's `op`, as a migration sees it: a module."""

    def get_bind(self) -> Connection:
        """The connection that the migration runs on."""
        ...


def create_chassis_tables(op: Operations) -> None:
    """Create outbox, inbox and idempotent answers; a service's first migration calls it."""
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in (Outbox, Inbox, IdempotentAnswer)]
    SQLModel.metadata.create_all(op.get_bind(), tables=tables)


def build_index(op: Any, name: str, table: str, columns: Sequence[Any], **options: Any) -> None:
    """Build an index on a table that is there, while the service goes on writing to it; the last thing in a migration.

    It commits what the migration did before. An index that an interrupted build has left behind is built anew.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for who is writing, and nobody waits for it
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        op.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")


def run() -> None:
    """Apply the migrations, a transaction each, while no other instance does. Called by Alembic through env.py."""
    from alembic import context

    engine = create_engine(context.config.attributes["url"], hide_parameters=True)
    try:
        with engine.connect() as connection:
            # Asked again and again: who waits in the lock itself is waited for by an index that is built concurrently.
            while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                connection.rollback()
                time.sleep(_AGAIN_SECONDS)
            # Who waits for a table lets everybody behind wait, too: rather give up and try again.
            connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
            connection.commit()
            context.configure(
                connection=connection,
                target_metadata=SQLModel.metadata,
                transaction_per_migration=True,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


async def upgrade(url: str, migrations: Path) -> None:
    """Bring the schema at `url` to the newest version in `migrations`, waiting a minute for the database to come up.

    A newer schema is accepted: during an upgrade, and after going back, the version before runs on it (ADR 7).
    """
    for attempt in range(_PATIENCE_SECONDS):
        try:
            found, newest = await _version(url), _newest(migrations)
            if found > newest:
                log.warning("schema_is_newer", schema=found, code=newest)
            elif found != newest:
                await asyncio.to_thread(_upgrade, url, migrations)
            SCHEMA_VERSION.set(int(max(found, newest) or 0))
        except Exception as error:
            if not is_transient(error) or attempt == _PATIENCE_SECONDS - 1:
                raise
            log.warning("database_not_ready", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            return


def _newest(migrations: Path) -> str:
    """The newest revision; files are named after theirs, like `0002_timetables.py`."""
    return max((file.name.partition("_")[0] for file in (migrations / "versions").glob("[0-9]*_*.py")), default="")


async def _version(url: str) -> str:
    """The revision of the schema at `url`; empty if it has none."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=5)
    try:
        if not await connection.fetchval("SELECT to_regclass('alembic_version')"):
            return ""
        return str(await connection.fetchval("SELECT version_num FROM alembic_version"))
    finally:
        await connection.close()


def _upgrade(url: str, migrations: Path) -> None:
    # Imported when there is something to do, which is seldom: a service that starts again need not wait for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["url"] = sync_url(url)
    command.upgrade(config, "head")


def sync_url(url: str) -> str:
    """`url` for SQLAlchemy's synchronous driver, which Alembic uses."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]
