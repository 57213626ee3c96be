"""The transaction of a use case: plain SQL and ORM session are one, it is all or nothing, connections stay sound."""

# ruff: noqa: PT012 - what is tested is how a whole block ends

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Column, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlmodel import Field, SQLModel, select

from chassis.database import Database, numbered
from chassis.problems import Busy, is_transient
from chassis.tables import instant
from schalter.embedded import Postgres


class Note(SQLModel, table=True):
    __tablename__ = "test_database_note"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    text: str = Field(unique=True)
    data: dict[str, object] = Field(default={}, sa_column=Column(JSONB, nullable=False))
    at: datetime = Field(default=datetime(2026, 6, 1, tzinfo=UTC), sa_column=instant())


INSERT = "INSERT INTO test_database_note VALUES (:id, :text, CAST(:data AS jsonb), :at)"


def note(text: str) -> dict[str, object]:
    return {"id": uuid4(), "text": text, "data": '{"a": [1]}', "at": datetime(2026, 6, 1, tzinfo=UTC)}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=3)
    async with database.transaction() as tx:
        await tx.execute("DROP TABLE IF EXISTS test_database_note")
        await tx.execute(
            "CREATE TABLE test_database_note (id uuid PRIMARY KEY, text text UNIQUE, data jsonb, at timestamptz)"
        )
    yield database
    await database.close()


async def texts(database: Database) -> list[str]:
    async with database.autocommit() as tx:
        return [row["text"] for row in await tx.rows("SELECT text FROM test_database_note ORDER BY text")]


@pytest.mark.parametrize(
    ("sql", "statement", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT :a::int, '08:00', x[1:2]", "SELECT $1::int, '08:00', x[1:2]", ("a",)),
        ("SELECT 1", "SELECT 1", ()),
    ],
)
def test_named_parameters_become_numbered_ones(sql: str, statement: str, names: tuple[str, ...]) -> None:
    assert numbered(sql) == (statement, names)


async def test_a_first_statement_that_begins_the_transaction_ends_with_it(database: Database) -> None:
    """Its values are text and nothing else, also those that look like SQL."""
    begun = "INSERT INTO test_database_note VALUES (:id, :text, '{}', :at) ON CONFLICT DO NOTHING"
    odd: dict[str, Any] = {
        "id": uuid4(),
        "text": "'); DROP TABLE x; -- \\' :id",
        "at": datetime(2026, 6, 1, tzinfo=UTC),
    }
    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            assert await tx.begin_with(begun, **odd) == 1
            raise RuntimeError
    assert await texts(database) == []
    for rows in (1, 0):
        async with database.transaction() as tx:
            assert await tx.begin_with(begun, **odd) == rows
            (row,) = await tx.rows("SELECT text, at FROM test_database_note")
    assert (row["text"], row["at"]) == (odd["text"], odd["at"])


async def test_rows_carry_python_values(database: Database) -> None:
    given = note("a")
    async with database.transaction() as tx:
        assert await tx.execute(INSERT, **given) == 1
        row = await tx.row("SELECT * FROM test_database_note")
        assert row == given | {"data": {"a": [1]}}
        assert await tx.row("SELECT * FROM test_database_note WHERE text = ANY(:texts)", texts=["b"]) is None
        assert await tx.execute("UPDATE test_database_note SET text = 'c' WHERE text = :text", text="b") == 0
        assert await tx.execute("UPDATE test_database_note SET text = 'c'") == 1
        assert await tx.execute("TRUNCATE test_database_note") == 0, "nobody counts them"


async def test_what_the_session_wrote_is_in_no_error(database: Database) -> None:
    with pytest.raises(DBAPIError) as error:
        async with database.transaction() as tx:
            tx.session.add(Note(text="nul\0Erika"))
            await tx.session.flush()
    assert "INSERT INTO test_database_note" in str(error.value)
    assert "Erika" not in str(error.value)


async def test_session_and_plain_sql_see_each_other_and_end_together(database: Database) -> None:
    with pytest.raises(KeyError):
        async with database.transaction() as tx:
            await tx.execute(INSERT, **note("plain"))
            tx.session.add(Note(text="session"))
            assert len(await tx.rows("SELECT * FROM test_database_note")) == 2
            assert len((await tx.session.exec(select(Note))).all()) == 2
            raise KeyError
    assert await texts(database) == []
    async with database.transaction() as tx:
        tx.session.add(Note(text="session", data={"b": None}))
        await tx.execute(INSERT, **note("plain"))
    assert await texts(database) == ["plain", "session"]
    async with database.transaction() as tx:
        found = (await tx.session.exec(select(Note).where(Note.text == "session"))).one()
        assert found.data == {"b": None}
        found.text = "written when the transaction ends"
    assert await texts(database) == ["plain", "written when the transaction ends"]


async def test_a_failed_savepoint_undoes_itself_alone(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(INSERT, **note("a"))
        with pytest.raises(asyncpg.UniqueViolationError):
            async with tx.savepoint():
                await tx.execute(INSERT, **note("b"))
                await tx.execute(INSERT, **note("a"))
        await tx.execute(INSERT, **note("c"))
        with pytest.raises(asyncpg.UniqueViolationError):
            async with tx.session.begin_nested():
                await tx.execute(INSERT, **note("c"))
    assert await texts(database) == ["a", "c"]


async def test_going_on_after_a_failed_statement_is_not_taken_for_success(database: Database) -> None:
    woken: list[str] = []
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        async with database.transaction() as tx:
            tx.after_commit(lambda: woken.append("commit"))
            await tx.execute(INSERT, **note("a"))
            with pytest.raises(asyncpg.UniqueViolationError):
                await tx.execute(INSERT, **note("a"))
    assert await texts(database) == []
    assert woken == []


async def test_with_autocommit_every_statement_stands_by_itself(database: Database) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.autocommit() as tx:
            await tx.execute(INSERT, **note("a"))
            await tx.execute(INSERT, **note("a"))
    assert await texts(database) == ["a"]


async def test_a_large_table_is_not_planned_for_anew_with_every_question(database: Database) -> None:
    """Not even five times: a statement stays prepared for seconds only, and on a quiet day is asked no more often."""
    async with database.transaction() as tx:
        await tx.execute("CREATE TEMPORARY TABLE many ON COMMIT DROP AS SELECT n FROM generate_series(1, 20000) AS n")
        await tx.execute("CREATE INDEX ON many (n)")
        await tx.execute("ANALYZE many")
        sql = "SELECT count(*) AS found FROM many WHERE n > CAST(:low AS int) AND n < CAST(:high AS int)"
        for low in range(20):
            assert await tx.row(sql, low=low, high=low + 3) == {"found": 2}
        planned = await tx.row(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT count(*) %'"
        )
    assert planned == {"generic_plans": 20, "custom_plans": 0}


async def test_a_transaction_without_statements_needs_no_connection(database: Database) -> None:
    async with database.transaction(), database.transaction(), database.transaction(), database.transaction():
        assert await texts(database) == []


async def test_who_finds_no_free_connection_is_told_to_come_again(database: Database) -> None:
    async with database.transaction() as a, database.transaction() as b, database.transaction() as c:
        for tx in (a, b, c):
            await tx.execute("SELECT 1")
        with pytest.raises(Busy):
            await database.ping()
    await database.ping()


async def test_connections_that_the_server_ended_are_replaced_without_an_error(database: Database) -> None:
    async with database.transaction() as a, database.transaction() as b, database.transaction() as c:
        pids = [(await tx.row("SELECT pg_backend_pid() AS pid") or {})["pid"] for tx in (a, b)]
        await c.execute("SELECT 1")
    killer = await asyncpg.connect(database.url)
    await killer.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids)
    await killer.close()
    for _ in range(5):
        async with database.transaction() as a, database.transaction() as b, database.transaction() as c:
            for tx in (a, b, c):
                assert await tx.execute("SELECT 1") == 1


async def test_at_its_end_it_leaves_no_connection_at_the_server(database_url: str) -> None:
    database = Database(database_url)
    pids = set[int]()
    async with database.transaction() as plain, database.transaction() as session:
        row = await plain.row("SELECT pg_backend_pid() AS pid")
        assert row
        pids |= {row["pid"], (await session.session.exec(select(func.pg_backend_pid()))).one()}
    await database.close()
    onlooker = await asyncpg.connect(database_url)
    left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)"
    async with asyncio.timeout(10):
        while await onlooker.fetchval(left, pids):
            await asyncio.sleep(0.01)
    await onlooker.close()
    assert len(pids) == 2


async def test_a_connection_that_ends_within_a_transaction_is_trouble_that_passes(database: Database) -> None:
    lost = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
    with pytest.raises(lost) as raised:
        async with database.transaction() as tx, database.transaction() as other:
            row = await tx.row("SELECT pg_backend_pid() AS pid")
            assert row
            await other.execute("SELECT pg_terminate_backend(:pid)", **row)
            await tx.execute("SELECT 1")
    assert is_transient(raised.value)
    await database.ping()


async def test_whoever_is_cancelled_leaves_the_pool_sound(database: Database) -> None:
    async def slow(begin: bool) -> None:
        async with database.transaction() if begin else database.autocommit() as tx:
            await tx.execute("SELECT pg_sleep(20)")

    for begin in (True, False):
        tasks = [asyncio.create_task(slow(begin)) for _ in range(3)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with database.transaction() as a, database.transaction() as b, database.transaction() as c:
            assert [await tx.execute("SELECT 1") for tx in (a, b, c)] == [1, 1, 1]


async def test_an_argument_of_the_wrong_type_does_not_pass_by_waiting(database: Database) -> None:
    with pytest.raises(asyncpg.DataError) as raised:
        async with database.transaction() as tx:
            await tx.execute(INSERT, **note("a") | {"id": 7})
    assert not is_transient(raised.value)


async def test_a_server_that_lets_nobody_in_for_now_is_trouble_that_passes(
    postgres: Postgres, database_url: str
) -> None:
    """As while it recovers from a crash (57P03); here it says that it has no room (53300)."""
    name = database_url.rsplit("/", 1)[1]
    superuser = await asyncpg.connect(postgres.url())
    closed = Database(database_url)
    try:
        await superuser.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
        with pytest.raises(asyncpg.TooManyConnectionsError) as caught:
            await closed.ping()
        assert is_transient(caught.value)
        await superuser.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
        await closed.ping()
    finally:
        await superuser.close()
        await closed.close()
