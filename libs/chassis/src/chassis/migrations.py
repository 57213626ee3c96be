"""Schema migrations: Alembic, one history per service, applied by the service at its start.

A service's `migrations/env.py` is two lines: import `run` and call it.
"""

import asyncio
from pathlib import Path
from typing import Final, Protocol

import structlog
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlmodel import SQLModel

from chassis.problems import is_transient
from chassis.tables import IdempotentAnswer, Inbox, Outbox

log = structlog.get_logger(__name__)

_LOCK: Final = 5_124_001  # any number, the same for every instance of a service
_PATIENCE_SECONDS: Final = 60


class Operations(Protocol):
    """Alembic's `op`, as a migration sees it: a module."""

    def get_bind(self) -> Connection:
        """The connection that the migration runs on."""
        ...


def create_chassis_tables(op: Operations) -> None:
    """Create outbox, inbox and idempotent answers; a service's first migration calls it."""
    tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in (Outbox, Inbox, IdempotentAnswer)]
    SQLModel.metadata.create_all(op.get_bind(), tables=tables)


def run() -> None:
    """Apply the migrations in one transaction, while no other instance does. Called by Alembic through env.py."""
    engine = create_engine(context.config.attributes["url"])
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            context.configure(connection=connection, target_metadata=SQLModel.metadata, transactional_ddl=True)
            context.run_migrations()
    finally:
        engine.dispose()


async def upgrade(url: str, migrations: Path) -> None:
    """Bring the schema at `url` to the newest version in `migrations`, waiting a minute for the database to come up."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["url"] = sync_url(url)
    for attempt in range(_PATIENCE_SECONDS):
        try:
            await asyncio.to_thread(command.upgrade, config, "head")
        except Exception as error:
            if not is_transient(error) or attempt == _PATIENCE_SECONDS - 1:
                raise
            log.warning("database_not_ready", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            return


def sync_url(url: str) -> str:
    """`url` for SQLAlchemy's synchronous driver, which Alembic uses."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]
