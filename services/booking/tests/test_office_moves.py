"""A clerk is ill: everybody keeps the time or is moved, once, and told once."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = 10 * 365 * 24 * 3600


@pytest.fixture
def lead(clerk_token: Any) -> Any:
    def headers(office: str = "clerks-2") -> dict[str, str]:
        token = clerk_token(office, role="lead", ttl=LONG)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}

    return headers


async def test_what_the_preview_says_is_what_happens(
    client: httpx.AsyncClient, lead: Any, book: Any, stored: Any
) -> None:
    for minute in (0, 0, 5):
        assert (await book("clerks-2", starts_at=f"2026-06-02T06:{minute:02}:00Z")).status_code == 201
    wish = {"lane": 0, "from": "2026-06-01T22:00:00Z", "to": "2026-06-02T22:00:00Z"}
    before = await stored("appointment")
    preview = await client.post("/office/moves", json=wish | {"dry_run": True}, headers=lead())
    assert preview.status_code == 200, preview.text
    assert await stored("appointment") == before
    assert await stored("blocked_time") == []
    headers = lead()
    done = await client.post("/office/moves", json=wish, headers=headers)
    assert (done.status_code, done.json()) == (200, preview.json())
    assert (await client.post("/office/moves", json=wish, headers=headers)).json() == done.json()
    assert {row["lane"] for row in await stored("appointment")} == {1}
    told = [row for row in await stored("outbox") if row["subject"] == "booking.rescheduled.v1"]
    assert len(told) == len(done.json()["moved"])
