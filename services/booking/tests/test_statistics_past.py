"""Utilisation is reckoned by the timetable that held at the time: whoever edits it today changes no past week."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from booking.statistics import usecases
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: heidelberg opens on Tuesday 8 to 12, Wednesday 14 to 17:30, Thursday 8 to 12, with six clerks.
WEEK = 6 * (240 + 210 + 240)
MONDAYS = {"from": "2026-06-08", "to": "2026-06-28"}

Shares = Callable[[], Awaitable[dict[str, float | None]]]


@pytest.fixture
def shares(client: httpx.AsyncClient, signed_in: Any) -> Shares:
    """`await shares()`: by Monday, utilisation while an hour of each week is booked."""

    async def read() -> dict[str, float | None]:
        answer = await client.get("/office/statistics", params=MONDAYS, headers=signed_in("lead"))
        assert answer.status_code == 200, answer.text
        return {row["monday"]: row["utilisation"] for row in answer.json()["weeks"] if row["service_id"] is None}

    return read


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def an_hour_is_booked_each_week(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("""
            INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                     language, link_generation, booked_at, changed_at)
            SELECT gen_random_uuid(), 'heidelberg', 'S' || n, 0, at, at + interval '60 minutes', 'completed', '[]', '',
                   '', 'de', 1, at, at
              FROM generate_series(0, 2) AS n,
                   LATERAL (SELECT CAST('2026-06-09T06:00Z' AS timestamptz) + n * interval '7 days') AS t (at)
        """)


def share(minutes: float) -> float:
    return round(60 / minutes, 4)


async def three_clerks(edit_timetable: Any, client: httpx.AsyncClient, signed_in: Any) -> None:
    held = (await client.get("/office/timetable", headers=signed_in("lead"))).json()
    answer = await edit_timetable(clerks=held["clerks"][:3])
    assert answer.status_code == 200, answer.text


async def test_before_the_first_edit_the_offices_file_held(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, shares: Shares, clock: Any
) -> None:
    clock.now = datetime(2026, 6, 21, 12, tzinfo=UTC)  # Sunday: between two weeks
    await three_clerks(edit_timetable, client, signed_in)
    assert await shares() == {
        "2026-06-08": share(WEEK),
        "2026-06-15": share(WEEK),
        "2026-06-22": share(WEEK / 2),
    }


async def test_of_a_week_in_which_it_was_edited_each_part_counts_by_what_held_then(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, shares: Shares, clock: Any
) -> None:
    clock.now = datetime(2026, 6, 16, 8, tzinfo=UTC)  # Tuesday at ten, in the middle of the opening hours
    await three_clerks(edit_timetable, client, signed_in)
    assert (await shares())["2026-06-15"] == share(6 * 120 + 3 * (120 + 210 + 240))


async def test_each_edit_holds_until_the_next(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, shares: Shares, clock: Any
) -> None:
    clock.now = datetime(2026, 6, 13, 12, tzinfo=UTC)
    await three_clerks(edit_timetable, client, signed_in)
    clock.now = datetime(2026, 6, 20, 12, tzinfo=UTC)
    assert (await edit_timetable(closures=[{"first": "2026-06-23", "last": "2026-06-23"}])).status_code == 200
    assert await shares() == {
        "2026-06-08": share(WEEK),
        "2026-06-15": share(WEEK / 2),
        "2026-06-22": share(3 * (210 + 240)),
    }


async def test_who_the_clerks_were_is_not_kept(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, stored: Any
) -> None:
    held = (await client.get("/office/timetable", headers=signed_in("lead"))).json()
    named = [entry | {"name": "Anna Becker"} for entry in held["clerks"]]
    assert (await edit_timetable(clerks=named)).status_code == 200
    (kept,) = await stored("timetable_version")
    assert "Becker" not in str(kept["document"])
    assert kept["version"] == 1


async def test_what_was_refused_is_not_kept(client: httpx.AsyncClient, edit_timetable: Any, stored: Any) -> None:
    assert (await edit_timetable(version=7)).status_code == 409
    assert await stored("timetable_version") == []


async def test_what_code_of_the_version_before_saved_counts_too(
    client: httpx.AsyncClient,
    signed_in: Any,
    edit_timetable: Any,
    shares: Shares,
    database: Database,
    clock: Any,
) -> None:
    clock.now = datetime(2026, 6, 14, 12, tzinfo=UTC)
    await three_clerks(edit_timetable, client, signed_in)
    async with database.transaction() as tx:  # it knows nothing of the other table
        await tx.execute(
            """
            UPDATE ours.timetable SET version = 2, changed_at = :at,
                   document = jsonb_set(document, '{clerks}', jsonb_build_array(document -> 'clerks' -> 0))
            """,
            at=datetime(2026, 6, 21, 12, tzinfo=UTC),
        )
    assert await shares() == {
        "2026-06-08": share(WEEK),
        "2026-06-15": share(WEEK / 2),
        "2026-06-22": share(WEEK / 6),
    }


async def test_where_the_first_edits_are_not_known_the_earliest_known_stands_in(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, shares: Shares, database: Database, clock: Any
) -> None:
    clock.now = datetime(2026, 6, 21, 12, tzinfo=UTC)
    await three_clerks(edit_timetable, client, signed_in)
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.timetable SET version = 5")
        await tx.execute("UPDATE ours.timetable_version SET version = 5")
    assert set((await shares()).values()) == {share(WEEK / 2)}


async def test_a_year_of_statistics_lets_others_have_a_turn_each_day(app: Any) -> None:
    turns, bookable = 0, app.state.deps.offices["heidelberg"]
    plan = usecases.DatedSchedule(None, app.state.deps.calendar.schedules.known(bookable).schedule)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    busy = asyncio.create_task(others())
    await usecases.offered_minutes([plan], [], date(2026, 1, 1), date(2026, 12, 31))
    busy.cancel()
    assert turns >= 365
