"""Events that were published once are published again: after a restore, when the bus or a consumer has lost some.

Consumers know by the event's own id what they have applied. In a container: `python -m chassis.republish --since ...`.
"""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from typing import Final

import asyncpg

from chassis.clock import utc_now
from chassis.settings import ServiceSettings

_CONNECT_SECONDS: Final = 5.0

# A new id for the bus, which would drop a known one within its window without handing it out. Consumers go by ce-id.
_AGAIN: Final = """
    WITH again AS (
        UPDATE outbox
           SET published_at = NULL,
               headers = jsonb_set(headers, '{Nats-Msg-Id}', to_jsonb('again-' || $2::text || '-' || event_id::text))
         WHERE published_at >= $1
        RETURNING subject)
    SELECT subject, count(*) AS events FROM again GROUP BY subject ORDER BY subject
"""
_COUNT: Final = """
    SELECT subject, count(*) AS events FROM outbox WHERE published_at >= $1 GROUP BY subject ORDER BY subject
"""


async def republish(database_url: str, since: datetime, *, now: datetime, dry_run: bool = False) -> dict[str, int]:
    """Lets the relay of one service publish again what it has published since `since` and still keeps (outbox.KEEP).

    How many events of which subject; with `dry_run` only counted. Safe while the service runs, and to repeat. Raises
    OSError or asyncpg.PostgresError when the database cannot be reached.
    """
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database_url, timeout=_CONNECT_SECONDS)
    try:
        if dry_run:
            rows = await connection.fetch(_COUNT, since)
        else:
            rows = await connection.fetch(_AGAIN, since, str(int(now.timestamp() * 1000)))
    finally:
        await connection.close()
    return {row["subject"]: row["events"] for row in rows}


def instant(text: str) -> datetime:
    """An instant in ISO 8601; without an offset it is UTC, as in the logs. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def main() -> None:
    """The service of this container, by its own settings."""
    parser = argparse.ArgumentParser(prog="python -m chassis.republish", description=republish.__doc__)
    parser.add_argument("--since", type=instant, required=True, help="for example 2026-11-22T08:00+01:00")
    parser.add_argument("--dry-run", action="store_true", help="only count")
    asked = parser.parse_args()
    url = str(ServiceSettings().database_url)
    for subject, events in asyncio.run(republish(url, asked.since, now=utc_now(), dry_run=asked.dry_run)).items():
        sys.stdout.write(f"{events:7} {subject}\n")


if __name__ == "__main__":
    main()
