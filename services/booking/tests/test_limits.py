"""Grabbing bots gain nothing (S4): what is counted, when a proof of work is asked for, and when it is the end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from booking.app import build
from booking.limits.model import Limit, Limits
from booking.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(
    hold=Limit(proof_from=2, at_most=4, seconds=1200),
    booking=Limit(proof_from=3, at_most=6, seconds=3600),
    email=Limit(proof_from=50, at_most=50, seconds=86_400),
    work=2,
)
OFFICE = "clerks-5"
Send = Callable[..., Awaitable[httpx.Response]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(app: FastAPI, settings: Settings) -> AsyncIterator[FastAPI]:
    """The same service with limits that are easily reached; it shares the database of `app`."""
    yield sibling(app, settings)


def sibling(app: FastAPI, settings: Settings, **changes: object) -> FastAPI:
    other = build(settings.model_copy(update={"limits": LIMITS, **changes}), clock=app.state.clock)
    other.state.database = app.state.database
    return other


def knocking(app: FastAPI, address: str = "192.0.2.1") -> httpx.AsyncClient:
    """Somebody behind `address`."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url=f"http://test/api/booking/offices/{OFFICE}")


@pytest.fixture
def send(strict: FastAPI, client: object, order: Callable[..., dict[str, object]]) -> Send:
    """`await send(address, proof=, key=, **changes)`: somebody behind `address` books one of many slots."""
    slots = iter(range(10_000))

    async def post(
        address: str = "192.0.2.1",
        *,
        proof: str | None = None,
        key: str | None = None,
        app: FastAPI | None = None,
        office: str = OFFICE,
        **changes: object,
    ) -> httpx.Response:
        at = f"2026-06-{2 + next(slots) // 16 % 3:02}T{8 + next(slots) % 4:02}:00:00Z"
        headers = {"Idempotency-Key": key or uuid4().hex} | ({"Proof-Of-Work": proof} if proof else {})
        body = order(**({"starts_at": at} | changes))
        async with knocking(app or strict, address) as citizen:
            return await citizen.post(f"/../{office}/appointments", json=body, headers=headers)

    return post


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def test_from_the_soft_limit_on_a_booking_costs_a_proof_of_work(send: Send, solved: Any) -> None:
    for _ in range(3):
        assert (await send()).status_code == 201
    asked = await send()
    assert code(asked) == (429, "proof_required")
    assert asked.headers["content-type"] == "application/problem+json"
    assert (await send(proof=solved(asked.json()["challenge"]))).status_code == 201


async def test_at_the_hard_limit_even_a_proof_does_not_help_until_the_window_has_moved_on(
    send: Send, solved: Any, clock: Any
) -> None:
    for _ in range(3):
        await send()
        clock.forward(minutes=5)
    for _ in range(3):
        assert (await send(proof=solved((await send()).json()["challenge"]))).status_code == 201
    refused = await send()
    assert code(refused) == (429, "limit_reached")
    assert refused.headers["retry-after"] == str(45 * 60)
    clock.forward(minutes=45, seconds=-1)
    assert code(await send()) == (429, "limit_reached")
    clock.forward(seconds=1)
    assert code(await send()) == (429, "proof_required")
