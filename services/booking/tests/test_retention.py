"""The retention clock: what is stored about people goes when its time is over, and nothing else does."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from booking.retention import worker
from chassis.database import Database
from contracts.booking import WaitingEnded

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONDAY = datetime(2026, 6, 1, 7, tzinfo=UTC)  # where the clock stands
TEN, NOON = (datetime(2026, 6, 2, hour, tzinfo=UTC) for hour in (8, 10))
DAYS = timedelta(days=30)  # the demo's `retention.appointment_days`


async def rests(*_: object) -> None:
    await asyncio.Event().wait()


@pytest.fixture(scope="module")
def by_hand() -> Iterator[None]:
    """The clock is wound by the tests: its own first round may come late, and erase what they count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "run", rests)
        yield


async def erase(app: FastAPI, database: Database) -> int:
    return await worker.erase_what_is_over(app.state.deps.offices, database, app.state.clock())


async def insert(database: Database, office: str, ends_at: datetime, count: int = 1) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                     phone, language, time_zone, needs, link_generation, booked_at, changed_at)
            SELECT gen_random_uuid(), :office, left(CAST(gen_random_uuid() AS text), 16), n,
                   CAST(:ends_at AS timestamptz) - interval '5 minutes', :ends_at, 'completed',
                   '[{"service_id": "anmeldung", "options": {"a": "b"}, "persons": 2}]', 'Erika', 'erika@example.org',
                   '+49 6221 58', 'de', 'Asia/Kathmandu', '["companion"]', 1, :ends_at, :ends_at
              FROM generate_series(1, CAST(:count AS int)) AS n
            """,
            office=office,
            ends_at=ends_at,
            count=count,
        )


async def test_what_is_personal_goes_when_its_time_is_over_and_statistics_stay(
    client: object, app: FastAPI, database: Database, stored: Any, clock: Any
) -> None:
    await insert(database, "demo", clock.now - DAYS)
    assert await erase(app, database) == 0
    clock.forward(seconds=1)
    assert await erase(app, database) == 1
    (row,) = await stored("appointment")
    assert (row["name"], row["email"], row["phone"], row["time_zone"]) == ("", "", None, None)
    assert str(row["needs"]) == "[]"
    assert "options" not in str(row["services"])
    assert "anmeldung" in str(row["services"])
    assert (row["state"], row["ends_at"], row["erased_at"]) == ("completed", MONDAY - DAYS, clock.now)
    assert await erase(app, database) == 0
    assert await stored("outbox") == []  # the other services have clocks of their own


async def test_many_are_erased_in_batches(
    client: object, app: FastAPI, database: Database, stored: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH", 7)
    await insert(database, "demo", clock.now - DAYS - timedelta(days=1), count=20)
    await insert(database, "demo", clock.now - DAYS + timedelta(days=1), count=3)
    before = REGISTRY.get_sample_value("schalter_booking_erased_total") or 0
    assert await erase(app, database) == 20
    assert REGISTRY.get_sample_value("schalter_booking_erased_total") == before + 20
    assert sorted(row["name"] for row in await stored("appointment")) == [""] * 20 + ["Erika"] * 3


async def test_each_office_has_its_own_period_and_one_without_a_file_the_default(
    client: object, app: FastAPI, database: Database, stored: Any, clock: Any
) -> None:
    offices = dict(app.state.deps.offices)
    office = offices["town"].office
    long = office.model_copy(update={"retention": office.retention.model_copy(update={"appointment_days": 90})})
    offices["town"] = type(offices["town"])(long, offices["town"].services)
    for slug in ("town", "demo", "given-up"):
        await insert(database, slug, clock.now - timedelta(days=31))
    assert await worker.erase_what_is_over(offices, database, clock.now) == 2
    assert {row["office"] for row in await stored("appointment") if row["name"]} == {"town"}


async def test_why_a_clerk_was_away_is_forgotten_and_statistics_know_when(
    client: object, app: FastAPI, database: Database, stored: Any, clock: Any
) -> None:
    async with database.transaction() as tx:
        for minutes in (0, 2):
            await tx.execute(
                """
                INSERT INTO blocked_time (id, office, lane, starts_at, ends_at, reason, note, created_by, created_at)
                VALUES (gen_random_uuid(), 'demo', 0, CAST(:ends_at AS timestamptz) - interval '1 hour', :ends_at,
                        'sick', 'back on Monday', 'clerk:1', :ends_at)
                """,
                ends_at=clock.now - DAYS + timedelta(minutes=minutes - 1),
            )
    for _ in range(2):
        await erase(app, database)
        rows = sorted(await stored("blocked_time"), key=lambda row: row["ends_at"])
        assert [(row["reason"], row["note"], row["created_by"]) for row in rows] == [
            ("other", None, ""),
            ("sick", "back on Monday", "clerk:1"),
        ]


async def test_who_has_waited_in_vain_is_forgotten(
    client: httpx.AsyncClient, app: FastAPI, database: Database, order: Any, room: Any, stored: Any, clock: Any
) -> None:
    wish = order(starts_at=None, last="2026-06-03")
    assert (await client.post("/offices/town/waiting-list", json=wish)).status_code == 201
    await room.wait(NOON, "Anna")
    clock.now = datetime(2026, 6, 3, 21, 59, tzinfo=UTC)  # the last minute of that day in Berlin; Anna's time is over
    await erase(app, database)
    states = {row["appointment_id"] is None: (row["state"], row["email"]) for row in await stored("waiting_entry")}
    assert states == {True: ("waiting", "erika@example.org"), False: ("done", None)}
    clock.forward(minutes=1)
    await erase(app, database)
    assert [(row["state"], row["name"], row["email"]) for row in await stored("waiting_entry")] == [
        ("done", None, None),
        ("done", None, None),
    ]
    (told,) = [
        WaitingEnded.model_validate_json(row["body"])
        for row in await stored("outbox")
        if row["subject"] == WaitingEnded.SUBJECT
    ]
    assert (told.reason, told.citizen.email) == ("days_over", "erika@example.org"), "Anna knows that hers has begun"
    clock.forward(days=3, seconds=1)
    await erase(app, database)
    assert await stored("waiting_entry") == []


async def test_nobody_waits_for_ever(
    client: httpx.AsyncClient, app: FastAPI, database: Database, order: Any, stored: Any, clock: Any
) -> None:
    horizon = app.state.deps.offices["town"].office.booking.horizon_days
    await client.post("/offices/town/waiting-list", json=order(starts_at=None))
    clock.forward(days=horizon)
    await erase(app, database)
    assert [row["state"] for row in await stored("waiting_entry")] == ["waiting"]
    clock.forward(seconds=1)
    await erase(app, database)
    assert [(row["state"], row["email"]) for row in await stored("waiting_entry")] == [("done", None)]


async def test_what_became_of_an_offer_can_be_read_for_three_days(
    client: httpx.AsyncClient, app: FastAPI, database: Database, room: Any, stored: Any, clock: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    await room.wait(NOON, "Anna")
    await room.cancel(gone)
    await room.round()
    link = await room.newest()
    await client.post("/offer/acceptance", headers=link)
    await erase(app, database)
    assert (await client.get("/offer", headers=link)).json()["state"] == "accepted"
    clock.forward(days=3, seconds=1)
    await erase(app, database)
    assert await stored("slot_offer") == await stored("waiting_entry") == []
    assert (await client.get("/offer", headers=link)).status_code == 401  # the slot is over, and so is its link
