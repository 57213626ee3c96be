"""The code before runs on the schema after (ADR 7): what it writes and reads is there, and no stricter than it was.

Every migration of every service is applied alone and compared with what was there before it.
"""

import ast
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
import pytest
from schema import empty, to

from contracts.topology import SERVICES

ROOT: Final = Path(__file__).parents[2]
#: Migrations up to here were released before the statement was asked for, and are not edited.
UNSTATED: Final = {"booking": "0015", "casework": "0003", "signaling": "0002", "payment": "0002", "notify": "0006"}
#: And these before indexes were built beside the running service.
LOCKING: Final = UNSTATED | {"booking": "0016"}
#: docs/operations.md, updates: these are applied to all instances together.
TOGETHER: Final = {("booking", "0012")}


class Column(NamedTuple):
    """A column as an INSERT meets it."""

    kind: str
    required: bool


def versions(service: str) -> list[Path]:
    """The migrations of a service, in their order."""
    return sorted((ROOT / "services" / service / "migrations" / "versions").glob("[0-9]*_*.py"))


MIGRATIONS: Final = [(service, path) for service in SERVICES for path in versions(service)]
NAMES: Final = [f"{service}-{path.stem}" for service, path in MIGRATIONS]


def revision(path: Path) -> str:
    return path.stem.partition("_")[0]


async def columns(url: str) -> Mapping[tuple[str, str], Column]:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT table_name, column_name, udt_name, is_nullable = 'NO' AND column_default IS NULL"
        " AND is_identity = 'NO' AS required FROM information_schema.columns WHERE table_schema = 'public'"
    )
    await connection.close()
    return {(row["table_name"], row["column_name"]): Column(row["udt_name"], row["required"]) for row in rows}


def stricter(before: Mapping[tuple[str, str], Column], after: Mapping[tuple[str, str], Column]) -> list[str]:
    """What the code before would stumble over."""
    known = {table for table, _ in before}
    gone = [f"{'.'.join(name)} is gone" for name in before if name not in after]
    other = [
        f"{'.'.join(name)} is {after[name]}, was {column}"
        for name, column in before.items()
        if name in after and (after[name].kind != column.kind or after[name].required > column.required)
    ]
    new = [
        f"{'.'.join(name)} has to be given"
        for name, column in after.items()
        if name not in before and name[0] in known and column.required
    ]
    return gone + other + new


@pytest.mark.parametrize("service", SERVICES)
async def test_what_the_code_before_writes_is_taken_by_the_schema_after(service: str, database_url: str) -> None:
    await empty(database_url)
    before: Mapping[tuple[str, str], Column] = {}
    for path in versions(service):
        await asyncio.to_thread(to, database_url, service, revision(path))
        after = await columns(database_url)
        assert (service, revision(path)) in TOGETHER or stricter(before, after) == [], path.name
        before = after
    assert before


def test_the_comparison_finds_what_would_break() -> None:
    table = {("a", "b"): Column("text", required=False)}
    assert stricter(table, {}) == ["a.b is gone"]
    assert len(stricter(table, {("a", "b"): Column("int4", required=False)})) == 1
    assert len(stricter(table, {("a", "b"): Column("text", required=True)})) == 1
    assert stricter(table, {**table, ("a", "c"): Column("text", required=True)}) == ["a.c has to be given"]
    assert stricter(table, {**table, ("new", "c"): Column("text", required=True)}) == []


@pytest.mark.parametrize(("service", "path"), MIGRATIONS, ids=NAMES)
def test_a_migration_says_what_the_code_before_may_still_do(service: str, path: Path) -> None:
    said = " ".join(path.read_text().replace("#", " ").lower().split())
    assert revision(path) <= UNSTATED[service] or "code before" in said, 'say what "the code before" may still do'


@pytest.mark.parametrize(("service", "path"), MIGRATIONS, ids=NAMES)
def test_an_index_of_a_table_that_is_there_is_built_beside_the_running_service(service: str, path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [(ast.unparse(node.func), node) for node in calls]
    fresh = {ast.unparse(node.args[0]) for name, node in named if name == "op.create_table"}
    locking = [
        ast.unparse(node.args[0])
        for name, node in named
        if name == "op.create_index" and ast.unparse(node.args[1]) not in fresh
    ]
    assert revision(path) <= LOCKING[service] or not locking, "chassis.migrations.build_index locks nobody out"
