"""What one request is counted for, no other takes back: whatever Idempotency-Key its sender gives it, and however it
fails. With the limits as they are shipped."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from booking.limits.model import Limit, Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
WIDE = Limit(proof_from=1000, at_most=1000, seconds=3600)
ASKED = (429, "proof_required")
MISMATCH = (422, "idempotency_mismatch")
Send = Callable[..., Awaitable[httpx.Response]]


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.fixture
def shipped(limited: Any) -> FastAPI:
    app: FastAPI = limited(limits=Limits())
    return app


@pytest.fixture
def body(order: Any) -> Callable[..., dict[str, object]]:
    """`body(path, number, email)`: what is posted to `path`, every time something else."""

    def made(path: str, number: int, email: str) -> dict[str, object]:
        if path == "appointments":
            return dict(order(starts_at=iso(SLOT + timedelta(minutes=5 * number)), email=email))
        if path == "lost-links":
            return {"reference": "HD-7K3M9Q", "email": email}
        return dict(order(starts_at=None, email=email))

    return made


@pytest.mark.usefixtures("come_to_work")
@pytest.mark.parametrize(
    ("path", "free"),
    [("appointments", 6), ("waiting-list", 6), ("walk-in", 4), ("lost-links", 3)],
)
async def test_the_same_key_with_another_body_empties_no_window(
    path: str, free: int, shipped: FastAPI, post: Send, body: Any
) -> None:
    done = 0
    for number in range(free + 2):
        key = uuid4().hex
        first = await post(path, body(path, number, f"a{number}@example.org"), key=key, app=shipped)
        if code(first) == ASKED:
            break
        assert first.is_success, first.text
        done += 1
        again = await post(path, body(path, number, f"b{number}@example.org"), key=key, app=shipped)
        assert code(again) in (MISMATCH, ASKED)
    assert done == free


async def test_the_same_key_from_other_networks_empties_no_mailbox(shipped: FastAPI, post: Send, order: Any) -> None:
    done = 0
    for number in range(6):
        key, at = uuid4().hex, iso(SLOT + timedelta(minutes=5 * number))
        mine = order(starts_at=at, email="stranger@example.org")
        first = await post("appointments", mine, key=key, app=shipped, address=f"198.51.100.{number + 1}")
        if code(first) == ASKED:
            break
        assert first.status_code == 201
        done += 1
        await post("appointments", mine | {"name": "X"}, key=key, app=shipped, address="203.0.113.1")
    assert done == 3


@pytest.mark.parametrize("path", ["rescheduling", "contact"])
async def test_the_same_key_from_another_network_gives_no_link_its_uses_back(
    path: str, limited: Any, send: Send
) -> None:
    app = limited(
        limits=Limits(
            email=WIDE, mailbox=WIDE, move=WIDE, correction=WIDE, link=Limit(proof_from=2, at_most=9, seconds=3600)
        )
    )
    link = (await send(app=app, office="clerks-1", starts_at=iso(SLOT))).json()["link"]

    async def use(number: int, address: str, key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key, "Authorization": f"Bearer {link.split('#')[-1]}"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
        asked = {"starts_at": iso(SLOT + timedelta(minutes=30 * number))}
        if path == "contact":
            asked = {"email": f"e{number}@example.org"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking/appointment") as citizen:
            return await citizen.post(f"/{path}", json=asked, headers=headers)

    done = 0
    for number in range(1, 6):
        key = uuid4().hex
        used = await use(number, "192.0.2.1", key)
        if code(used) == ASKED:
            break
        assert used.status_code == 200, used.text
        done += 1
        link = used.json()["link"]
        again = await use(number + 20, "2001:db8::1", key)
        assert code(again) in (MISMATCH, ASKED)
    assert done == 2


async def test_what_failed_an_hour_later_takes_back_nothing_of_what_is_counted_for_a_day(
    limited: Any, post: Send, order: Any, clock: Any
) -> None:
    """The network's window has moved on, the mailbox' has not: the repetition is counted in one of both."""
    app = limited(limits=Limits(mailbox=WIDE))
    for number in range(3):
        key, at = uuid4().hex, iso(SLOT + timedelta(minutes=5 * number))
        mine = order(starts_at=at, email="stranger@example.org")
        assert (await post("appointments", mine, key=key, app=app)).status_code == 201
        clock.forward(minutes=61)
        assert code(await post("appointments", mine | {"name": "X"}, key=key, app=app)) in (MISMATCH, ASKED)
    late = order(starts_at=iso(SLOT + timedelta(hours=5)), email="stranger@example.org")
    assert code(await post("appointments", late, app=app)) == ASKED
