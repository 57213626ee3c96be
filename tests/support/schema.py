"""The schema of a service, as its migrations make it."""

from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config

from chassis.migrations import sync_url

SERVICES: Final = Path(__file__).parents[2] / "services"


def to(url: str, service: str, target: str) -> None:
    """Brings the schema at `url` to a revision of `service`, "head" for the newest."""
    config = Config()
    config.set_main_option("script_location", str(SERVICES / service / "migrations"))
    config.attributes["url"] = sync_url(url)
    command.upgrade(config, target)


async def empty(url: str) -> None:
    """Takes every table away."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
