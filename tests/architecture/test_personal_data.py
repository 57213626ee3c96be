"""Nobody adds a column without deciding whether it tells of a person; docs/data-protection.md says what was decided.

Each service's registry (`personal_data.py`) is compared with the tables that its migrations make.
"""

import ast
import asyncio
import json
import re
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
import psycopg
import pytest
from schema import empty, to

from booking.appointments import privacy
from chassis.personal_data import stored_about
from contracts.personal_data import Emptied, OnRequest, Stays
from contracts.topology import PUBLISHES, SERVICES
from schalter.personal_data import about, document, registry

ROOT: Final = Path(__file__).parents[2]


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


def test_the_operator_reads_the_registries_where_the_services_are_not_installed() -> None:
    """In its container their code is there and the chassis, but nothing else that they need."""
    allowed = ("contracts.", "chassis.personal_data", "typing")
    for service in SERVICES:
        source = ROOT / "services" / service / "src" / service / "personal_data.py"
        imports = [node.module or "" for node in ast.parse(source.read_text()).body if isinstance(node, ast.ImportFrom)]
        assert imports
        assert all(name.startswith(allowed) for name in imports), service
        path = f"/app/services/{service}/src"
        dockerfile = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
        assert path in dockerfile or f"-e services/{service}" in dockerfile


def test_what_is_stored_about_somebody_is_found(database_url: str) -> None:
    asyncio.run(empty(database_url))
    to(database_url, "payment", "head")
    somebody = uuid4()
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO absence VALUES (%s, 'demo', '2026-06-01T08:00Z')", (somebody,))
    assert about({"payment": database_url}, somebody) == {
        "payment": {"absence": [{"told_at": "2026-06-01 08:00:00+00:00"}]}
    }
    assert about({"payment": database_url}, uuid4()) == {"payment": {}}


def test_the_citizen_is_told_which_other_services_store_something_of_theirs() -> None:
    others = [service for service in SERVICES if service != "booking"]
    asked = {
        service
        for service in others
        if any(isinstance(cell.telling, OnRequest) for _, _, cell in registry(service).citizens())
    }
    assert {entry.part for entry in privacy._ELSEWHERE} == asked


def test_whose_outbox_stays_publishes_nobodys_name() -> None:
    """That of a completed case apart, which is kept as the case is."""
    found = {
        event.SUBJECT
        for service in SERVICES
        if isinstance(registry(service)["outbox"].cells["body"].erasing, Stays)
        for event in PUBLISHES[service]
        if re.search(r'"(name|email|phone|citizen|recipient)":', json.dumps(event.model_json_schema()))
    }
    assert found == {"casework.case_completed.v1"}


def test_the_docs_say_what_was_decided() -> None:
    page = ROOT / "docs" / "data-protection.md"
    assert document(page) == page.read_text(encoding="utf-8"), "schalter personal-data document docs/data-protection.md"


@pytest.mark.parametrize("service", SERVICES)
def test_a_column_is_decided_about_once(service: str) -> None:
    for table in registry(service).tables:
        columns = [*table.cells, *table.nothing]
        assert len(columns) == len(set(columns)), table.name
