"""A service migrates itself at its start, and does not even load Alembic when there is nothing to do."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import ProgrammingError

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


@pytest.fixture(autouse=True)
async def nothing_there(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP TABLE IF EXISTS alembic_version, a, half")
    await connection.close()


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


async def test_the_version_before_runs_on_a_newer_schema(database_url: str, migrations: Path) -> None:
    (migrations / "versions" / "0002_second.py").write_text(SECOND)
    await upgrade(database_url, migrations)
    (migrations / "versions" / "0002_second.py").unlink()
    await upgrade(database_url, migrations)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0002"
    await connection.close()


async def test_who_waits_for_a_table_lets_others_pass_and_tries_again(
    database_url: str, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.migrations._LOCK_TIMEOUT", "50ms")
    await upgrade(database_url, migrations)
    (migrations / "versions" / "0002_second.py").write_text(SECOND)
    reader, other = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    async with reader.transaction():
        await reader.execute("SELECT FROM a")
        upgrading = asyncio.create_task(upgrade(database_url, migrations))
        await asyncio.sleep(0.5)
        assert not upgrading.done()
        await other.execute("SELECT FROM a", timeout=5)
    await upgrading
    assert not await other.fetchval("SELECT to_regclass('a')")
    await reader.close()
    await other.close()


HALF = """
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade():
    op.execute("CREATE TABLE half ()")
    op.execute("SELECT wrong")
"""


async def test_what_is_wrong_with_a_migration_is_told_at_once_and_leaves_what_came_before_it(
    database_url: str, migrations: Path
) -> None:
    (migrations / "versions" / "0002_second.py").write_text(HALF)
    async with asyncio.timeout(60):  # however busy the machine, no minute of patience
        with pytest.raises(ProgrammingError, match="wrong"):
            await upgrade(database_url, migrations)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0001"
    found = await connection.fetchrow("SELECT to_regclass('a') IS NOT NULL, to_regclass('half') IS NULL")
    assert found
    assert tuple(found) == (True, True)
    await connection.close()


async def test_a_database_that_does_not_come_up_is_waited_for_and_then_told(
    migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def away(url: str) -> str:
        asked.append(url)
        raise ConnectionRefusedError

    monkeypatch.setattr("chassis.migrations._version", away)
    monkeypatch.setattr("chassis.migrations._PATIENCE_SECONDS", 1)
    with pytest.raises(ConnectionRefusedError):
        await upgrade("postgresql://away", migrations)
    assert len(asked) == 1


INDEX = """
from alembic import op
from chassis.migrations import build_index

revision, down_revision = "0002", "0001"


def upgrade():
    op.execute("ALTER TABLE a ADD COLUMN b integer")
    build_index(op, "a_b", "a", ["b"])
"""


async def test_an_index_is_built_beside_who_writes_by_several_instances_and_after_an_interruption(
    database_url: str, migrations: Path
) -> None:
    await upgrade(database_url, migrations)
    (migrations / "versions" / "0002_second.py").write_text(INDEX)
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE a ADD COLUMN c integer; CREATE INDEX a_b ON a (c)")  # left behind
    code = (
        "import asyncio, pathlib, chassis.migrations as m;"
        f"asyncio.run(m.upgrade({database_url!r}, pathlib.Path({str(migrations)!r})))"
    )
    instances = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(3)]
    assert [await each.wait() for each in instances] == [0, 0, 0]
    built = await connection.fetchval(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid = 'a_b'::regclass AND indisvalid"
    )
    assert built.endswith("(b)")
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0002"
    await connection.close()
