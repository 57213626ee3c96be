"""Of who goes away with their number nothing is left."""

from typing import Any

import httpx
import pytest
from personal import cells, holding, left, unfilled

from booking.personal_data import REGISTRY
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_who_leaves_the_queue_leaves_nothing_there(
    client: httpx.AsyncClient, take: Any, stored: Any, database: Database
) -> None:
    person = {"name": "Ottilie Planted", "email": "ottilie@planted.example", "phone": "+496221580123"}
    more = {"time_zone": "Asia/Kathmandu", "plain_language": True, "needs": ["companion"]}
    services = [{"service_id": "fuehrungszeugnis", "options": {"belegart": "N"}}]
    ticket = await take(services=services, **person, **more)
    (row,) = await stored("walk_in")
    before = await cells(database.url, REGISTRY, row["id"])
    assert unfilled(REGISTRY, before, ("walk_in",)) == []
    headers = {"Authorization": f"Bearer {ticket['ticket']}"}
    assert (await client.post("/walk-in/departure", headers=headers)).is_success
    assert left(REGISTRY, before, await cells(database.url, REGISTRY, row["id"])) == []
    assert await holding(database.url, person.values()) == []
