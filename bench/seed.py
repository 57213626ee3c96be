"""Appointments to measure with: the coming weeks half full, and history behind them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg

#: The office whose slots are asked for, and what its appointments are like.
OFFICE = "heidelberg"
SERVICE = "personalausweis"
LANES = 6
_COLUMNS = (
    "id, office, reference, lane, starts_at, ends_at, state, services, name, email, language, link_generation,"
    " booked_at, changed_at"
)


def seed(url: str, starts: Sequence[datetime], total: int) -> None:
    """Put `total` appointments into the database at `url`, all booked, half of them another office's.

    Of the quarters of an hour in `starts`, which are to come, every second lane is taken. The rest lies behind us, one
    quarter of an hour after the other, and stays "booked", which is the worst case: indexes hold what is booked.
    """
    with psycopg.connect(url) as connection, _without_indexes(connection):
        coming = [
            (start, lane) for number, start in enumerate(starts) for lane in range(LANES) if (number + lane) % 2 == 0
        ]
        with connection.cursor().copy(f"COPY appointment ({_COLUMNS}) FROM STDIN") as copy:
            for number, (start, lane) in enumerate(coming[: total * 9 // 10]):
                end = start + timedelta(minutes=15)
                now = datetime.now(UTC)
                copy.write_row(
                    (uuid4(), OFFICE, f"C-{number}", lane, start, end, "booked", "[]", "Erika", f"c{number}@x.example",
                     "de", 1, now, now)
                )  # fmt: skip
        history = total - min(len(coming), total * 9 // 10)
        connection.execute(
            f"""
            INSERT INTO appointment ({_COLUMNS})
            SELECT gen_random_uuid(), CASE n %% 2 WHEN 0 THEN %(office)s ELSE 'elsewhere' END, 'H-' || n, (n / 2) %% 6,
                   date_trunc('hour', now()) - (n / 12 + 1) * interval '15 minutes',
                   date_trunc('hour', now()) - (n / 12) * interval '15 minutes',
                   'booked', '[]', 'Erika', 'h' || n || '@x.example', 'de', 1, now(), now()
              FROM generate_series(0, %(last)s) AS n
            """,  # noqa: S608 - a constant of ours
            {"office": OFFICE, "last": history - 1},
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) appointment")


@contextmanager
def _without_indexes(connection: "psycopg.Connection[tuple[object, ...]]") -> Iterator[None]:
    """Fill first, index then: a million rows in a third of the time."""
    constraints = connection.execute("""
        SELECT quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
         WHERE conrelid = 'appointment'::regclass AND contype = 'x'
    """).fetchall()
    indexes = connection.execute("""
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
         WHERE indrelid = 'appointment'::regclass AND NOT indisunique AND NOT indisexclusion
    """).fetchall()
    for name, _ in constraints:
        connection.execute(f"ALTER TABLE appointment DROP CONSTRAINT {name}".encode())
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    yield
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for name, definition in constraints:
        connection.execute(f"ALTER TABLE appointment ADD CONSTRAINT {name} {definition}".encode())
    for _, definition in indexes:
        connection.execute(str(definition).encode())
