"""What is stored about somebody is found by their appointment, readable, and opens nothing to whoever reads it."""

from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from chassis.personal_data import shared_tables, stored_about
from contracts.personal_data import ACTS, CONTACT, IN_72_HOURS, Cell, Deleted, Registry, Table, Untold

pytestmark = pytest.mark.asyncio(loop_scope="module")

ERIKA, OTTO = UUID(int=1), UUID(int=2)
COPY = Untold("it stands elsewhere")
NOTES = Table(
    "note",
    goes=IN_72_HOURS,
    of="appointment_id = :appointment",
    cells={
        "name": Cell(CONTACT, Deleted()),
        "told": Cell(CONTACT, Deleted()),
        "body": Cell(CONTACT, Deleted()),
        "number": Cell(CONTACT, Deleted()),
        "at": Cell(CONTACT, Deleted()),
        "copy": Cell(CONTACT, Deleted(), COPY),
        "clerk": Cell(ACTS, Deleted(), whose="clerk"),
    },
    nothing=("appointment_id",),
)
COPIES = Table(
    "copies",
    goes=IN_72_HOURS,
    of="appointment_id = :appointment",
    cells={"copy": Cell(CONTACT, Deleted(), COPY)},
    nothing=("appointment_id",),
)
REGISTRY = Registry("notes", (NOTES, COPIES, *shared_tables(Deleted())), {})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(database_url: str) -> str:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database_url)
    await connection.execute(
        "CREATE TABLE note (appointment_id uuid, name text, told jsonb, body bytea, number int, at timestamptz,"
        " copy text, clerk text);"
        "CREATE TABLE copies (appointment_id uuid, copy text);"
        "CREATE TABLE outbox (headers jsonb, body bytea);"
        "CREATE TABLE idempotent_answers (answer jsonb, request_hash bytea)"
    )
    for who, name in ((ERIKA, "Erika"), (OTTO, "Otto")):
        await connection.execute(
            "INSERT INTO note VALUES ($1, $2, $3, $4, 7, '2026-06-01T08:00Z', 'copy', 'Ada')",
            who,
            name,
            '{"link_token": "secret", "mails": [{"token": "secret", "kind": "booked"}], "phone": null}',
            b'{"name": "Erika"}' if who == ERIKA else b"\xff",
        )
        await connection.execute("INSERT INTO copies VALUES ($1, '[no json')", who)
        await connection.execute(
            "INSERT INTO outbox VALUES (jsonb_build_object('ce-subject', $1::text), $2)", str(who), b"{}"
        )
        await connection.execute(
            "INSERT INTO idempotent_answers VALUES (jsonb_build_object('appointment_id', $1::text), '')", str(who)
        )
    await connection.close()
    return database_url


async def test_who_asks_is_told_what_is_theirs_and_no_link_that_opens_anything(url: str) -> None:
    assert await stored_about(url, REGISTRY, ERIKA) == {
        "note": [
            {
                "name": "Erika",
                "told": {"mails": [{"kind": "booked"}], "phone": None},
                "body": {"name": "Erika"},
                "number": 7,
                "at": "2026-06-01 08:00:00+00:00",
            }
        ]
    }


async def test_whoever_looks_whether_somebody_is_erased_sees_the_copies_as_well(url: str) -> None:
    found = await stored_about(url, REGISTRY, OTTO, copies=True)
    assert found.keys() == {"note", "copies", "outbox", "idempotent_answers"}
    (note,) = found["note"]
    assert (note["told"]["link_token"], note["copy"], note["body"]) == ("secret", "copy", "ff")
    assert "clerk" not in note
    assert found["copies"] == [{"copy": "[no json"}]
    assert found["outbox"] == [{"body": {}}]


async def test_nothing_is_stored_about_whoever_never_was_here(url: str) -> None:
    assert await stored_about(url, REGISTRY, UUID(int=3), copies=True) == {}
