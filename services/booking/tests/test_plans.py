"""The hot statements read what they need, also before PostgreSQL has gathered any statistics: a new town, a dump
that was just restored."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from booking.app import MIGRATIONS
from booking.appointments.lane_sql import BOOK, BOOK_AT_ONCE, BOOK_OR_KEPT, MOVE, MOVE_OR_KEPT
from booking.slots.store import BUSY, BUSY_FOR_CLERKS
from chassis.database import numbered
from chassis.migrations import upgrade

_FILL = """
    INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email, language,
                             link_generation, booked_at, changed_at)
    SELECT gen_random_uuid(), CASE n % 2 WHEN 0 THEN 'demo' ELSE 'elsewhere' END, 'R-' || n, 0,
           now() + n * interval '15 minutes', now() + (n + 1) * interval '15 minutes',
           'booked', '[]', 'Erika', 'e' || n || '@example.org', 'de', 1, now(), now()
      FROM generate_series(1, 4000) AS n
"""


def reads(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How a plan reads the table of appointments: (kind of scan, index)."""
    if node.get("Relation Name") == "appointment" and node["Node Type"].endswith("Scan"):
        yield node["Node Type"], node.get("Index Name", "")
    if node["Node Type"] == "Bitmap Index Scan":
        yield node["Node Type"], node["Index Name"]
    for child in node.get("Plans", ()):
        yield from reads(child)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator["psycopg.Connection[tuple[Any, ...]]"]:
    """A database with appointments and without statistics."""
    await upgrade(database_url, MIGRATIONS)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE appointment")
        connection.execute(_FILL)
        known = connection.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'appointment'").fetchone()
        assert known == (0,), "nobody has analysed the table"
        yield connection


@pytest.mark.parametrize(
    ("sql", "indexes"),
    [
        (BUSY, {"appointment_taken"}),
        (BUSY_FOR_CLERKS, {"appointment_taken"}),
        (BOOK, {"appointment_taken"}),
        (BOOK_AT_ONCE, {"appointment_taken", "appointment_open_email"}),
        (BOOK_OR_KEPT, {"appointment_taken"}),
        (MOVE, {"appointment_taken", "appointment_pkey"}),
        (MOVE_OR_KEPT, {"appointment_taken", "appointment_pkey"}),
    ],
    ids=[
        "free slots",
        "clerks' free slots",
        "book",
        "book at once",
        "book for a citizen",
        "move",
        "move for a citizen",
    ],
)
async def test_plans_without_statistics_read_by_the_index_made_for_them(
    connection: "psycopg.Connection[tuple[Any, ...]]", sql: str, indexes: set[str]
) -> None:
    statement, _ = numbered(sql)
    row = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}".encode()).fetchone()
    assert row is not None
    assert {index for _, index in reads(row[0][0]["Plan"])} == indexes
