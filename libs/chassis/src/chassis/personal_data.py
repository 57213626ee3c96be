"""What all services share of the registry of personal data (`contracts.personal_data`): their common tables, and
reading all that is stored about one appointment, which answers who asks by GDPR Art. 15."""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg

from chassis.database import numbered
from contracts.personal_data import (
    ACTS,
    CONTACT,
    IN_72_HOURS,
    LINK,
    MESSAGE,
    Cell,
    Erasing,
    Registry,
    Stays,
    Table,
    Untold,
)

_CONNECT_SECONDS: Final = 5.0

#: The inbox knows events by their ids alone.
NOTHING: Final = {"inbox": ("consumer", "event_id", "received_at")}

_COPY: Final = Untold("a copy of what stands elsewhere")


def shared_tables(events: Erasing) -> tuple[Table, ...]:
    """Outbox and kept answers; `events` is what becomes of the events in the outbox that name a person."""
    outbox = Table(
        "outbox",
        goes=IN_72_HOURS,
        of="headers ->> 'ce-subject' = CAST(CAST(:appointment AS uuid) AS text)",
        cells={
            "body": Cell(MESSAGE, events, _COPY),
            "headers": Cell(ACTS, events, _COPY, whose="clerk", key="ce-actor"),
        },
        nothing=("id", "event_id", "subject", "created_at", "published_at"),
    )
    answers = Table(
        "idempotent_answers",
        goes=IN_72_HOURS,
        of="answer ->> 'appointment_id' = CAST(CAST(:appointment AS uuid) AS text)",
        cells={
            "answer": Cell(LINK, Stays("it names nobody, and the link in it is dead"), _COPY),
            "request_hash": Cell(CONTACT, Stays("a hash says nothing to who does not know what was sent"), _COPY),
            "scope": Cell(ACTS, Stays("it names a clerk's account, no citizen"), _COPY, whose="clerk"),
        },
        nothing=("key", "created_at"),
    )
    return outbox, answers


async def stored_about(
    url: str, registry: Registry, appointment: UUID, *, copies: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """All cells of the database at `url` that tell of the citizen of `appointment`, row by row, by table.

    With `copies` also what is not handed out; without, no link that opens anything. Raises OSError or
    asyncpg.PostgresError when the database cannot be reached.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    try:
        for table in registry.tables:
            told = [
                column for column, cell in table.citizens().items() if copies or not isinstance(cell.telling, Untold)
            ]
            if not told:
                continue
            sql, _ = numbered(f"SELECT {', '.join(told)} FROM {table.name} WHERE {table.of}")  # noqa: S608 - ours
            if rows := await connection.fetch(sql, appointment):
                readable = [_readable(dict(row.items())) for row in rows]
                found[table.name] = readable if copies else [_without_tokens(row) for row in readable]
    finally:
        await connection.close()
    return found


def _without_tokens(value: Any) -> Any:
    """`value` without what opens somebody's appointment to whoever reads it here."""
    if isinstance(value, dict):
        return {name: _without_tokens(held) for name, held in value.items() if not name.endswith("token")}
    return [_without_tokens(each) for each in value] if isinstance(value, list) else value


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    """`row` as it can be written down: JSON that was stored as bytes or text, and instants as text."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return json.loads(value)
        except ValueError:
            return value.hex()
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value if value is None or isinstance(value, bool | int | str) else str(value)
