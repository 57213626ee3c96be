"""The service with limits that are easily reached, and people behind network addresses."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from booking.app import build
from booking.limits.model import Limit, Limits
from booking.settings import Settings

WIDE = Limit(proof_from=1000, at_most=1000, seconds=3600)
LIMITS = Limits(
    hold=Limit(proof_from=2, at_most=4, seconds=1200),
    booking=Limit(proof_from=3, at_most=6, seconds=3600),
    waiting_list=Limit(proof_from=1, at_most=2, seconds=3600),
    walk_in=Limit(proof_from=1, at_most=2, seconds=3600),
    email=WIDE,
    mailbox=WIDE,
    work=2,
)
OFFICE = "clerks-5"
FIRST = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(scope="module")
def limited(app: FastAPI, settings: Settings) -> Callable[..., FastAPI]:
    """`limited(**settings)`: the same service with limits that are easily reached; it shares the database of `app`."""

    def another(**changes: object) -> FastAPI:
        other = build(settings.model_copy(update={"limits": LIMITS} | changes), clock=app.state.clock)
        other.state.database = app.state.database
        return other

    return another


@pytest.fixture(scope="module")
def strict(limited: Callable[..., FastAPI]) -> FastAPI:
    return limited()


@pytest.fixture
def post(strict: FastAPI, client: object) -> Send:
    """`await post(path, body, address=, proof=, key=, office=, app=)`: somebody behind `address` asks for something."""

    async def ask(
        path: str,
        body: dict[str, object],
        *,
        address: str = "192.0.2.1",
        proof: str | None = None,
        key: str | None = None,
        office: str = OFFICE,
        app: FastAPI = strict,
        method: str = "POST",
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
        headers = {"Idempotency-Key": key or uuid4().hex} | ({"Proof-Of-Work": proof} if proof else {})
        async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking/offices") as citizen:
            return await citizen.request(method, f"/{office}/{path}", json=body, headers=headers)

    return ask


@pytest.fixture
def send(post: Send, order: Callable[..., dict[str, object]]) -> Send:
    """`await send(address=, proof=, key=, office=, **changes)`: somebody books, every time another slot."""
    starts = iter(FIRST + timedelta(minutes=5 * index) for index in range(10_000))

    async def book(*, starts_at: str | None = None, email: str = "erika@example.org", **how: Any) -> httpx.Response:
        at = starts_at or next(starts).isoformat()
        return await post("appointments", order(starts_at=at, email=email), **how)

    return book


@pytest.fixture
def hold(post: Send) -> Send:
    """`await hold(hold_id=, ...)`: somebody holds a slot."""
    starts = iter(FIRST + timedelta(minutes=5 * index) for index in range(10_000))

    async def place(hold_id: str | None = None, **how: Any) -> httpx.Response:
        body = {"services": ["fuehrungszeugnis"], "starts_at": next(starts).isoformat()}
        return await post("holds", body | ({"hold_id": hold_id} if hold_id else {}), **how)

    return place


@pytest_asyncio.fixture(loop_scope="module")
async def challenge(send: Send) -> Any:
    """A challenge for a booking at `OFFICE`."""
    for _ in range(3):
        await send()
    return (await send()).json()["challenge"]
