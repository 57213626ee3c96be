"""A service migrates itself at its start, and does not even load Alembic when there is nothing to do."""

from pathlib import Path

import asyncpg
import pytest

from chassis.migrations import upgrade

MIGRATION = """
from alembic import op

revision, down_revision = {0!r}, {1!r}


def upgrade():
    op.execute({2!r})
"""
FIRST = MIGRATION.format("0001", None, "CREATE TABLE a ()")
SECOND = MIGRATION.format("0002", "0001", "DROP TABLE a")


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text("from chassis.migrations import run\n\nrun()\n")
    (tmp_path / "versions" / "0001_first.py").write_text(FIRST)
    return tmp_path


async def test_what_is_new_is_applied_once_and_then_nothing_is_loaded(database_url: str, migrations: Path) -> None:
    await upgrade(database_url, migrations)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT to_regclass('a')")

    environment = (migrations / "env.py").read_text()
    (migrations / "env.py").write_text("raise RuntimeError('Alembic was started')")
    await upgrade(database_url, migrations)

    (migrations / "env.py").write_text(environment)
    (migrations / "versions" / "0002_second.py").write_text(SECOND)
    await upgrade(database_url, migrations)
    assert not await connection.fetchval("SELECT to_regclass('a')")
    await connection.close()
