"""Whoever leaves the waiting list and comes back has nobody mailed more often for it. With the limits as shipped."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from booking.limits.model import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

EIGHT, NOON = datetime(2026, 6, 2, 6, tzinfo=UTC), datetime(2026, 6, 2, 10, tzinfo=UTC)


@pytest.fixture
def shipped(limited: Any) -> FastAPI:
    app: FastAPI = limited(limits=Limits())
    return app


async def ask(app: FastAPI, link: dict[str, str], method: str, address: str = "192.0.2.1") -> tuple[int, str | None]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking") as citizen:
        answer = await citizen.request(method, "/appointment/waiting", headers=link)
    return answer.status_code, answer.json().get("code") if answer.content else None


async def test_a_freed_slot_is_offered_once_to_who_comes_back_from_anywhere(
    shipped: FastAPI, room: Any, clock: Any
) -> None:
    gone = await room.book(EIGHT, "Gone")
    mine = await room.wait(NOON, "Stranger")
    await room.cancel(gone)
    for number in range(8):
        await room.round()
        assert (await ask(shipped, mine, "DELETE", f"198.51.100.{number}"))[0] == 204
        clock.forward(seconds=1)
        await ask(shipped, mine, "PUT", f"198.51.100.{number}")
        clock.forward(seconds=1)
    await room.round()
    assert await room.offices() == [("Stranger", "refused")]


async def test_who_comes_back_to_the_list_is_counted_as_mailed(shipped: FastAPI, room: Any) -> None:
    """Each time the mailbox may get three unanswered offers more."""
    mine = await room.wait(NOON, "Stranger")
    came = []
    for _ in range(3):
        assert (await ask(shipped, mine, "DELETE"))[0] == 204
        came.append(await ask(shipped, mine, "PUT"))
    assert came == [(200, None), (200, None), (429, "proof_required")]


async def test_who_waits_for_the_first_time_or_still_is_not_counted_as_mailed(shipped: FastAPI, room: Any) -> None:
    for number in range(4):
        mine = await room.book(NOON + timedelta(minutes=30 * number), "Erika")
        for _ in range(2):
            assert await ask(shipped, mine, "PUT") == (200, None)
