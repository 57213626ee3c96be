"""What the registry says is what happens: everything is handed out, and after erasing nothing of it is left."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from personal import cells, holding, left, unfilled
from pydantic import BaseModel

from booking.appointments.privacy import PersonalData
from booking.personal_data import REGISTRY
from booking.waiting.privacy import ListedData
from chassis import outbox
from chassis.database import Database
from contracts.personal_data import Told

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERSON: Mapping[str, Any] = {
    "name": "Ottilie Planted",
    "email": "ottilie@planted.example",
    "phone": "+496221580123",
    "time_zone": "Asia/Kathmandu",
    "plain_language": True,
    "needs": ["companion"],
}
#: What nobody else in these tests has.
WORDS = [value for value in PERSON.values() if isinstance(value, str)]


async def everything_filled_in(database: Database, appointment: str) -> None:
    """What needs a call, a lost link or somebody else's slot to come about."""
    async with database.transaction() as tx:
        await tx.execute(
            """
            UPDATE ours.appointment SET citizen_here = true, citizen_seen_at = now(), call_started_at = now(),
                   talk_seconds = 60, resumed_at = now(), links_mailed = 1, links_mailed_on = CAST(now() AS date)
             WHERE id = :id
            """,
            id=appointment,
        )
        await tx.execute(
            """
            INSERT INTO slot_offer (id, office, entry_id, freed_id, appointment_id, lane, starts_at, ends_at, state,
                                    offered_at, expires_at, ended_at)
            SELECT :offer, office, id, :offer, appointment_id, 0, now(), now() + interval '1 minute', 'refused', now(),
                   now(), now()
              FROM ours.waiting_entry WHERE appointment_id = :id
            """,
            id=appointment,
            offer=uuid4(),
        )
        await tx.execute(
            """
            INSERT INTO link_request (id, office, reference, email, asked_at)
            SELECT :request, office, reference, email, now() FROM ours.appointment WHERE id = :id
            """,
            id=appointment,
            request=uuid4(),
        )


async def forget_what_was_published(database: Database, clock: Any) -> None:
    """Within the hour."""
    async with asyncio.timeout(10):
        while True:
            async with database.autocommit() as tx:
                if not await tx.rows("SELECT FROM outbox WHERE published_at IS NULL"):
                    break
            await asyncio.sleep(0.05)
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(database.url)
    await outbox.prune(connection, clock())
    await connection.close()


async def test_after_erasing_nothing_of_the_citizen_is_left_anywhere(
    client: httpx.AsyncClient, book: Any, database: Database, clock: Any
) -> None:
    booked = (await book(**PERSON)).json()
    link = {"Authorization": f"Bearer {booked['link'].split('#')[1]}"}
    assert (await client.put("/appointment/waiting", headers=link, json={})).status_code == 200
    assert (await client.delete("/appointment/reminders", headers=link)).is_success
    await everything_filled_in(database, booked["appointment_id"])
    before = await cells(database.url, REGISTRY, booked["appointment_id"])
    assert unfilled(REGISTRY, before, ("appointment", "slot_offer", "link_request", "outbox")) == []

    assert (await client.post("/appointment/erasure", headers=link)).status_code == 204
    await forget_what_was_published(database, clock)
    after = await cells(database.url, REGISTRY, booked["appointment_id"])
    assert left(REGISTRY, before, after) == []
    assert await holding(database.url, WORDS) == []


async def test_who_leaves_the_waiting_list_leaves_nothing_there(
    client: httpx.AsyncClient, room: Any, stored: Any, database: Database, clock: Any
) -> None:
    services = [{"service_id": "fuehrungszeugnis", "options": {"belegart": "N"}}]
    link = await room.joins(**PERSON, services=services)
    (entry,) = await stored("waiting_entry")
    before = await cells(database.url, REGISTRY, entry["id"])
    assert unfilled(REGISTRY, before, ("waiting_entry",)) == []
    await client.post("/waiting/departure", headers=link)
    await forget_what_was_published(database, clock)
    assert left(REGISTRY, before, await cells(database.url, REGISTRY, entry["id"])) == []
    assert await holding(database.url, WORDS) == []


@pytest.mark.parametrize(("table", "answer"), [("appointment", PersonalData), ("waiting_entry", ListedData)])
async def test_what_is_told_is_a_field_of_what_the_link_hands_out(table: str, answer: type[BaseModel]) -> None:
    schema = answer.model_json_schema()
    for cell in REGISTRY[table].citizens().values():
        if isinstance(cell.telling, Told):
            first, *rest = cell.telling.field.split(".")
            assert first in schema["properties"], cell.telling.field
            assert all(name in schema["$defs"]["CitizenContact"]["properties"] for name in rest)


async def test_what_the_link_hands_out_is_what_is_stored(
    client: httpx.AsyncClient, book: Any, database: Database
) -> None:
    booked = (await book(**PERSON)).json()
    await everything_filled_in(database, booked["appointment_id"])
    link = {"Authorization": f"Bearer {booked['link'].split('#')[1]}"}
    told = (await client.get("/appointment/data", headers=link)).json()
    stored = await cells(database.url, REGISTRY, booked["appointment_id"])
    for column, cell in REGISTRY["appointment"].citizens().items():
        if isinstance(cell.telling, Told) and not column.endswith(("_at", "_on")):
            value = told[cell.telling.field]
            (kept,) = stored["appointment", column]
            assert ([service["options"] for service in value] if cell.key else value) == kept, column
        elif isinstance(cell.telling, Told):
            assert bool(told[cell.telling.field]) == bool(stored["appointment", column][0]), column
