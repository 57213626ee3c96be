"""How long it takes: as conversations of this kind have taken, with these clerks and appointments in between."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking.walkin.board import RUNNING
from booking.walkin.durations import SHARES
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)  # Tuesday, 12:00 in Berlin
FIVE_MINUTES = "fuehrungszeugnis"
QUARTER = "personalausweis"
Json = dict[str, Any]
Take = Callable[..., Awaitable[Json]]


async def _talks(database: Database, service: str, *seconds: int, minutes: int = 5) -> None:
    async with database.transaction() as tx:
        for index, talk in enumerate(seconds):
            await tx.execute(
                """
                INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                         language, link_generation, booked_at, changed_at, talk_seconds)
                VALUES (gen_random_uuid(), 'clerks-1', :reference, 0, :start, :end, 'completed',
                        CAST(:services AS jsonb), '', '', 'de', 1, :start, :start, :talk)
                """,
                reference=f"{service[:4]}-{index}",
                start=NOON - timedelta(days=2, minutes=index),
                end=NOON - timedelta(days=2, minutes=index - minutes),
                services=f'[{{"service_id": "{service}", "persons": 1}}]',
                talk=talk,
            )


async def test_without_experience_the_estimate_is_what_the_catalogue_says(take: Take) -> None:
    estimates = [(await take(service))["estimate_seconds"] for service in (FIVE_MINUTES, QUARTER, FIVE_MINUTES)]
    assert estimates == [0, 5 * 60, 20 * 60]


async def test_the_estimate_is_made_of_how_long_conversations_took(take: Take, database: Database) -> None:
    await _talks(database, FIVE_MINUTES, 100, 110, 120, 130, 140)  # two minutes on average
    await _talks(database, QUARTER, 9999, 9999, 9999, 9999, minutes=15)  # too few to go by
    estimates = [(await take(service))["estimate_seconds"] for service in (FIVE_MINUTES, QUARTER, FIVE_MINUTES)]
    assert estimates == [0, 2 * 60, 17 * 60]


async def test_only_the_newest_fifty_conversations_count(take: Take, database: Database) -> None:
    await _talks(database, FIVE_MINUTES, *([60] * 50), *([3600] * 20))
    await take()
    assert (await take())["estimate_seconds"] == 60


async def test_more_clerks_and_appointments_in_between_change_the_estimate(look: Any, take: Take, book: Any) -> None:
    await book("clerks-2", starts_at=NOON.isoformat(), services=[{"service_id": QUARTER}])
    await book("clerks-2", starts_at=(NOON + timedelta(minutes=10)).isoformat())
    # One lane is free for ten minutes, then again after a quarter of an hour, like the other one.
    estimates = [(await take(office="clerks-2"))["estimate_seconds"] for _ in range(4)]
    assert estimates == [0, 5 * 60, 15 * 60, 15 * 60]
    assert (await look("clerks-2", QUARTER))["estimate_seconds"] == 20 * 60


async def test_the_estimate_shrinks_as_time_passes_and_the_one_before_talks(
    take: Take, call: Any, end: Any, present: Any, pass_time: Any
) -> None:
    first, second = await take(), await take()
    await call()
    await end("booked", call_started_at=NOON)
    assert (await present(second))["estimate_seconds"] == 5 * 60
    await pass_time(3, second)
    assert (await present(second))["estimate_seconds"] == 2 * 60
    assert (await present(first))["state"] == "called"


async def test_the_estimate_reads_ranges_of_indexes_however_many_appointments_there_are(
    take: Take, database: Database
) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                     language, link_generation, booked_at, changed_at, talk_seconds, call_started_at)
            SELECT gen_random_uuid(), 'clerks-1', 'S' || n, 0, at, at + interval '5 minutes',
                   CASE WHEN at < :now THEN 'completed' ELSE 'booked' END, '[{"service_id": "anmeldung"}]', '', '',
                   'de', 1, at, at, CASE WHEN at < :now THEN 100 END, CASE WHEN at < :now THEN at END
              FROM generate_series(-10000, 10000) AS n,
                   LATERAL (SELECT CAST(:now AS timestamptz) + n * interval '5 minutes') AS t (at)
            """,
            now=NOON,
        )
    async with database.transaction() as tx:
        await tx.execute("ANALYZE appointment")
        shares = {"office": "clerks-1", "now": NOON, "newest": 50, "at_least": 5}
        for query, index, parameters in (
            (SHARES, "appointment_over", shares),
            (RUNNING, "appointment_in_call", {"office": "clerks-1", "now": NOON}),
        ):
            plan = await tx.rows(f"EXPLAIN {query}", **parameters)
            text = "\n".join(row["QUERY PLAN"] for row in plan)
            assert index in text, text
            assert "Seq Scan" not in text, text
