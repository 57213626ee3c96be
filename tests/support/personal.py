"""What a service's database holds of a person, found by its registry of personal data or by searching everything."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg

from chassis.personal_data import stored_about
from contracts.personal_data import Cell, Deleted, Emptied, Registry

#: What a cell holds when it holds nothing of anybody.
_NOTHING: Final[tuple[object, ...]] = (None, "", False, [], {}, "absent")

Cells = Mapping[tuple[str, str], list[Any]]


async def cells(url: str, registry: Registry, appointment: UUID | str) -> Cells:
    """The values of every registered cell about the citizen of an appointment, by table and column."""
    found: dict[tuple[str, str], list[Any]] = {}
    stored = await stored_about(url, registry, UUID(str(appointment)), copies=True)
    for table, rows in stored.items():
        for row in rows:
            for column, value in row.items():
                found.setdefault((table, column), []).append(_at(value, registry[table].cells[column].key))
    return found


def unfilled(registry: Registry, before: Cells, tables: Iterable[str]) -> list[str]:
    """Cells of `tables` that erasing has to change, and in which there is nothing to erase: a test that tests less."""
    return [
        f"{table}.{column}"
        for table in tables
        for column, cell in registry[table].citizens().items()
        if isinstance(cell.erasing, Emptied | Deleted) and not any(map(_something, before.get((table, column), [])))
    ]


def left(registry: Registry, before: Cells, after: Cells) -> list[str]:
    """Cells that hold, after erasing, something that they must not."""
    return [
        f"{table}.{column}: {value!r}"
        for (table, column), values in after.items()
        for value in values
        if _is_left(registry[table].cells[column], value, before.get((table, column), []))
    ]


async def holding(url: str, words: Iterable[str]) -> list[str]:
    """Tables in which any of `words` stands, anywhere in a row, also in what is stored as bytes."""
    found = []
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    tables = await connection.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for (table,) in tables:
        rows = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - a name of the catalogue
        text = "\n".join(_text(value) for row in rows for value in row.values())
        found += [f"{table}: {word}" for word in words if word in text]
    await connection.close()
    return found


def _text(value: Any) -> str:
    """`value` as it reads, whether or not JSON has written its letters as numbers."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return text


def _at(value: Any, key: str) -> Any:
    if not key:
        return value
    parts = value if isinstance(value, list) else [value]
    return [part[key] for part in parts if isinstance(part, dict) and part.get(key)]


def _something(value: Any) -> bool:
    return value not in _NOTHING


def _is_left(cell: Cell, value: Any, before: list[Any]) -> bool:
    if isinstance(cell.erasing, Emptied):
        return _something(value)
    return isinstance(cell.erasing, Deleted) and _something(value) and value in before
