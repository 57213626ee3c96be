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


async def ask(
    app: FastAPI, link: dict[str, str], method: str, address: str = "192.0.2.1", path: str = "/appointment/waiting"
) -> tuple[int, str | None]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking") as citizen:
        answer = await citizen.request(method, path, headers=link)
    return answer.status_code, answer.json().get("code") if answer.content else None


@pytest.fixture
def without_redis(limited: Any) -> FastAPI:
    app: FastAPI = limited(redis_url="redis://127.0.0.1:1/0", limits=Limits())
    return app


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


async def test_without_redis_whoever_waits_no_longer_needs_no_proof(without_redis: FastAPI, room: Any) -> None:
    gone = await room.book(EIGHT, "Gone")
    has_appointment, joined = await room.wait(NOON, "Anna"), await room.joins("Berta")
    await room.cancel(gone)
    await room.round()
    no = {"method": "POST", "path": "/offer/refusal"}
    assert await ask(without_redis, await room.newest(), **no) == (204, None)
    assert await ask(without_redis, has_appointment, "DELETE") == (204, None)
    assert (await ask(without_redis, joined, "POST", path="/waiting/departure"))[0] == 200


@pytest.mark.usefixtures("come_to_work")
async def test_without_redis_whoever_gives_a_number_back_needs_no_proof(
    without_redis: FastAPI, post: Any, order: Any
) -> None:
    taken = await post("walk-in", order(starts_at=None))
    assert taken.status_code == 201, taken.text
    link = {"Authorization": f"Bearer {taken.json()['ticket']}"}
    assert await ask(without_redis, link, "POST", path="/walk-in/departure") == (204, None)


async def test_without_redis_whoever_says_yes_needs_a_proof(without_redis: FastAPI, room: Any) -> None:
    link = await room.book(NOON, "Anna")
    assert await ask(without_redis, link, "PUT") == (429, "proof_required")
