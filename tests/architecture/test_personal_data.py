"""Nobody adds a column without deciding whether it tells of a person; docs/data-protection.md says what was decided.

Each service's registry (`personal_data.py`) is compared with the tables that its migrations make.
"""

import asyncio
import json
import re
from pathlib import Path
from uuid import uuid4

import asyncpg
import psycopg
import pytest
from schema import empty, to

from booking.appointments import privacy
from chassis.personal_data import answer, stored_about
from contracts.personal_data import Emptied, OnRequest, Stays
from contracts.topology import PUBLISHES, SERVICES
from schalter.chores import stand_ins
from schalter.personal_data import document, registry
from schalter.running.home import Home


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


def test_a_service_answers_in_its_container_what_it_stores_about_somebody(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(empty(database_url))
    to(database_url, "payment", "head")
    about = uuid4()
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO absence VALUES (%s, 'demo', '2026-06-01T08:00Z')", (about,))
    for name, value in stand_ins(Home.find()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCHALTER_DATABASE_URL", database_url)
    monkeypatch.setattr("sys.argv", ["payment", str(about)])
    answer(registry("payment"))
    assert json.loads(capsys.readouterr().out) == {"absence": [{"told_at": "2026-06-01 08:00:00+00:00"}]}


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
    page = Path(__file__).parents[2] / "docs" / "data-protection.md"
    assert document(page) == page.read_text(encoding="utf-8"), "schalter personal-data document docs/data-protection.md"


@pytest.mark.parametrize("service", SERVICES)
def test_a_column_is_decided_about_once(service: str) -> None:
    for table in registry(service).tables:
        columns = [*table.cells, *table.nothing]
        assert len(columns) == len(set(columns)), table.name
