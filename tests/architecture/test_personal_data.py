"""Nobody adds a column without deciding whether it tells of a person; docs/data-protection.md says what was decided.

Each service's registry (`personal_data.py`) is compared with the tables that its migrations make.
"""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from schema import empty, to

from chassis.personal_data import stored_about
from contracts.personal_data import Emptied
from contracts.topology import SERVICES
from schalter.personal_data import document, registry


async def stored(url: str) -> dict[str, set[str]]:
    """Every column of every table, by table."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT table_name, array_agg(CAST(column_name AS text)) AS columns FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version' GROUP BY table_name"
    )
    await connection.close()
    return {row["table_name"]: set(row["columns"]) for row in rows}


@pytest.mark.parametrize("service", SERVICES)
async def test_somebody_has_decided_about_every_column(service: str, database_url: str) -> None:
    await empty(database_url)
    await asyncio.to_thread(to, database_url, service, "head")
    assert await stored(database_url) == registry(service).decided()


@pytest.mark.parametrize("service", SERVICES)
async def test_what_finds_and_empties_cells_is_sql_that_the_database_understands(
    service: str, database_url: str
) -> None:
    await empty(database_url)
    await asyncio.to_thread(to, database_url, service, "head")
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database_url)
    for table in registry(service).tables:
        assert bool(table.of) == bool(table.citizens()), table.name
        of = table.of.replace(":appointment", "CAST('00000000-0000-4000-8000-000000000000' AS uuid)") or "true"
        await connection.fetch(f"SELECT * FROM {table.name} WHERE {of}")  # noqa: S608
        if any(isinstance(cell.erasing, Emptied) for cell in table.cells.values()):
            await connection.execute(f"UPDATE {table.name} SET {table.emptied()} WHERE {of}")  # noqa: S608
    await connection.close()
    assert await stored_about(database_url, registry(service), uuid4(), copies=True) == {}


def test_the_docs_say_what_was_decided() -> None:
    page = Path(__file__).parents[2] / "docs" / "data-protection.md"
    assert document(page) == page.read_text(encoding="utf-8"), "schalter personal-data document docs/data-protection.md"


@pytest.mark.parametrize("service", SERVICES)
def test_a_column_is_decided_about_once(service: str) -> None:
    for table in registry(service).tables:
        columns = [*table.cells, *table.nothing]
        assert len(columns) == len(set(columns)), table.name
