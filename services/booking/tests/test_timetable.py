"""The timetable: edited whole by leads, in force at once, and honest about what it leaves behind."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = 10 * 365 * 24 * 3600


@pytest.fixture
def lead(clerk_token: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {clerk_token('heidelberg', role='lead', ttl=LONG)}"}


async def test_a_timetable_is_read_edited_and_in_force(
    client: httpx.AsyncClient, lead: dict[str, str], book: Any, stored: Any
) -> None:
    held = (await client.get("/office/timetable", headers=lead)).json()
    assert (held["version"], len(held["clerks"])) == (0, 6)
    assert held["opening_hours"][0]["opens"] == "08:00"
    edited = held | {"opening_hours": [{"weekday": "tue", "opens": "09:00", "closes": "12:00"}]}
    edited["clerks"] = [*held["clerks"][:2], {"lane": None, "name": "Neu", "skills": ["anmeldung"]}]
    assert (await book()).status_code == 201
    answer = await client.put("/office/timetable", json=edited, headers=lead)
    assert answer.status_code == 200, answer.text
    saved = answer.json()
    assert (saved["version"], [clerk["lane"] for clerk in saved["clerks"]]) == (1, [0, 1, 6])
    assert [conflict["reason"] for conflict in saved["conflicts"]] in (["closed"], ["lane_removed"])
    query = {"services": "fuehrungszeugnis", "from": "2026-06-02"}
    slots = (await client.get("/offices/heidelberg/slots", params=query)).json()["slots"]
    assert slots[0]["starts_at"] == "2026-06-02T07:00:00Z"
    (row,) = await stored("timetable")
    assert row["changed_by"].startswith("clerk:")
    answer = await client.put("/office/timetable", json=edited, headers=lead)
    assert (answer.status_code, answer.json()["code"], answer.json()["version"]) == (409, "timetable_changed", 1)
