"""A twin for every office: each row of a service's tables stands there twice, at the same times, under another office.

Triggers in the test's database keep the twin. Who reads without the office's filter therefore reads everything double,
and a statement that changes a row of the twin's fails at once, whatever it does. Call `move_in` once the migrations are
applied; `TRUNCATE` empties both houses. What a test reads or changes itself it names `ours.appointment` and so on: a
view without the twin.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

PREFIX: Final = "twin of "
#: Says of an id that it is a twin's.
_MARK: Final = "77777777"

_FUNCTIONS: Final = f"""
    CREATE SCHEMA ours;
    CREATE FUNCTION twin_id(id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS
    $$ SELECT CAST('{_MARK}' || substr(md5(CAST(id AS text)), 9) AS uuid) $$;
    CREATE FUNCTION twin_text(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
    $$ SELECT '{PREFIX}' || name $$;
"""


@dataclass(frozen=True)
class Twin:
    """How the rows of a service are doubled.

    `children`: tables without an office of their own, known by the id of something that has one. `instead`: per table,
    what the twin has in a column, as SQL over the row; `new` is the row. `everywhere`: per table, parts of statements
    that are meant for all offices, such as a retention clock's. `without`: tables that belong to nobody's office.
    """

    children: Sequence[str] = ()
    instead: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    everywhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    without: Sequence[str] = ()


def is_twins(name: object) -> bool:
    """Whether this is a twin's office, or an id of something in it."""
    return str(name).startswith((PREFIX, _MARK))


async def move_in(url: str, twin: Twin) -> None:
    """Doubles what the service at `url` has stored, and what it will store; once for each database."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    try:
        while not await connection.fetchval("SELECT to_regproc('twin_id')"):
            # The service is at work already, and may hold one table while it waits for another that is ours.
            with suppress(asyncpg.DeadlockDetectedError):
                await _double(connection, twin)
    finally:
        await connection.close()


async def _double(connection: "asyncpg.Connection[asyncpg.Record]", twin: Twin) -> None:
    async with connection.transaction():
        await connection.execute(_FUNCTIONS)
        for table in await _tables(connection, twin):
            await connection.execute(await _triggers(connection, table, twin))


async def _tables(connection: Any, twin: Twin) -> list[str]:
    rows = await connection.fetch(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'office'"
    )
    found = [row["table_name"] for row in rows if row["table_name"] not in twin.without]
    assert found, "no table names an office"
    return sorted(found) + list(twin.children)


async def _triggers(connection: Any, table: str, twin: Twin) -> str:
    columns = {
        row["column_name"]: row["udt_name"]
        for row in await connection.fetch(
            "SELECT column_name, udt_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position",
            table,
        )
    }
    keys = [
        row["attname"]
        for row in await connection.fetch(
            "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)"
            " WHERE indrelid = CAST($1 AS regclass) AND indisprimary",
            table,
        )
    ]
    twins = {name: _twin_of(name, kind, name in keys) for name, kind in columns.items()} | dict(
        twin.instead.get(table, {})
    )
    mark = "office" if "office" in columns else next(key for key in keys if columns[key] == "uuid")
    known = f"'{PREFIX}%'" if mark == "office" else f"'{_MARK}%'"
    is_twin = f"CAST({{row}}.{mark} AS text) LIKE {known}"
    values = ", ".join(re.sub(r"\bnew\.", "come.", value) for value in twins.values())
    change = ", ".join(f"{name} = {value}" for name, value in twins.items())
    its = " AND ".join(f"house.{key} = {twins[key].replace('new.', 'old.')}" for key in keys)
    meant = "".join(f" AND current_query() NOT LIKE '%{part}%'" for part in _parts(table, twin))
    foreign = is_twin.format(row="old")
    return f"""
        CREATE VIEW ours.{table} AS SELECT * FROM {table} WHERE CAST({mark} AS text) NOT LIKE {known};

        CREATE FUNCTION twin_guard_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF pg_trigger_depth() = 1{meant} THEN
                RAISE EXCEPTION 'another office''s % was touched by: %', '{table}', current_query();
            END IF;
            RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
        END $$;
        CREATE TRIGGER twin_guard BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW WHEN ({foreign}) EXECUTE FUNCTION twin_guard_{table}();

        CREATE FUNCTION twin_comes_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO {table} ({", ".join(columns)}) SELECT {values} FROM come;
            RETURN NULL;
        END $$;
        CREATE TRIGGER twin_comes AFTER INSERT ON {table} REFERENCING NEW TABLE AS come
            FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION twin_comes_{table}();

        CREATE FUNCTION twin_changes_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE {table} AS house SET {change} WHERE {its};
            RETURN NULL;
        END $$;
        CREATE TRIGGER twin_changes AFTER UPDATE ON {table}
            FOR EACH ROW WHEN (NOT ({foreign}) AND pg_trigger_depth() = 0) EXECUTE FUNCTION twin_changes_{table}();

        CREATE FUNCTION twin_goes_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            DELETE FROM {table} AS house WHERE {its};
            RETURN NULL;
        END $$;
        CREATE TRIGGER twin_goes AFTER DELETE ON {table}
            FOR EACH ROW WHEN (NOT ({foreign})) EXECUTE FUNCTION twin_goes_{table}();

        ALTER TABLE {table} DISABLE TRIGGER twin_comes;
        INSERT INTO {table} ({", ".join(columns)}) SELECT {values} FROM {table} AS come;
        ALTER TABLE {table} ENABLE TRIGGER twin_comes;
    """  # noqa: S608 - names of tables and columns


def _parts(table: str, twin: Twin) -> list[str]:
    return [part.replace("'", "''") for part in twin.everywhere.get(table, ())]


def _twin_of(column: str, kind: str, key: bool) -> str:
    """What the twin has in a column: ids of its own, and all else the same."""
    if column == "office":
        return "twin_text(new.office)"
    if kind == "uuid":
        return f"twin_id(new.{column})"
    if key and kind in ("int4", "int8") and column == "id":
        return f"-new.{column}"
    return f"new.{column}"
