"""Moving gains a grabber nothing: it is limited, hides one slot at most, and staying where one is is no move."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from booking.limits.model import Limit

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
WIDE = Limit(proof_from=1000, at_most=1000, seconds=3600)
ASKED = (429, "proof_required")
END = (429, "limit_reached")
Move = Callable[..., Awaitable[httpx.Response]]


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.fixture
def gated(limited: Any, strict: FastAPI) -> Callable[..., FastAPI]:
    """`gated(link_moves=...)`: the service with these limits and wide ones for moving."""
    wide = {"booking": WIDE, "move": WIDE, "link_moves": WIDE}

    def another(**limits: Limit) -> FastAPI:
        found: FastAPI = limited(limits=strict.state.gate.limits.model_copy(update=wide | limits))
        return found

    return another


@pytest.fixture
def move() -> Move:
    """`await move(app, link, at, address=, proof=, key=)`."""

    async def ask(
        app: FastAPI,
        link: str,
        at: datetime,
        *,
        address: str = "192.0.2.1",
        proof: str | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key or uuid4().hex, "Authorization": f"Bearer {link.split('#')[-1]}"}
        headers |= {"Proof-Of-Work": proof} if proof else {}
        transport = ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
        async with AsyncClient(transport=transport, base_url="http://test/api/booking") as citizen:
            return await citizen.post("/appointment/rescheduling", json={"starts_at": iso(at)}, headers=headers)

    return ask


@pytest.fixture
def free(client: httpx.AsyncClient) -> Callable[..., Awaitable[set[str]]]:
    async def starts(office: str = "clerks-1") -> set[str]:
        query = {"services": "fuehrungszeugnis", "from": "2026-06-02"}
        answer = await client.get(f"/offices/{office}/slots", params=query)
        return {slot["starts_at"] for slot in answer.json()["slots"]}

    return starts


async def test_one_link_moves_so_often_a_day_whatever_network_it_comes_from(
    gated: Any, send: Any, move: Move, solved: Any, clock: Any
) -> None:
    app = gated(link_moves=Limit(proof_from=1, at_most=2, seconds=86_400))
    link = (await send(app=app, office="clerks-1", starts_at=iso(SLOT))).json()["link"]
    link = (await move(app, link, SLOT + timedelta(hours=1))).json()["link"]
    asked = await move(app, link, SLOT + timedelta(hours=2), address="198.51.100.1")
    assert code(asked) == ASKED
    proof = solved(asked.json()["challenge"])
    moved = await move(app, link, SLOT + timedelta(hours=2), address="198.51.100.1", proof=proof)
    assert moved.status_code == 200
    refused = await move(app, moved.json()["link"], SLOT + timedelta(hours=3), address="198.51.100.2")
    assert (code(refused), refused.json()["reason"]) == (END, "link")
    other = (await send(app=app, office="clerks-1", starts_at=iso(SLOT + timedelta(hours=4)))).json()["link"]
    assert (await move(app, other, SLOT + timedelta(hours=5))).status_code == 200


async def test_one_network_moves_so_many_appointments(gated: Any, send: Any, move: Move) -> None:
    app = gated(move=Limit(proof_from=2, at_most=2, seconds=3600))
    at = [SLOT + timedelta(minutes=5 * index) for index in range(3)]
    links = [(await send(app=app, office="clerks-1", starts_at=iso(each))).json()["link"] for each in at]
    moves = [(link, each + timedelta(hours=3)) for link, each in zip(links, at, strict=True)]
    answers = [await move(app, *each, key="one-for-all") for each in moves]  # as nobody sane would
    assert [code(answer) for answer in answers] == [(200, None), (200, None), END]
    assert (await move(app, links[2], at[2] + timedelta(hours=3), address="198.51.100.9")).status_code == 200


async def test_one_network_mails_one_mailbox_so_often_by_moving(gated: Any, send: Any, move: Move) -> None:
    app = gated(mailbox=Limit(proof_from=2, at_most=2, seconds=3600))
    link = (await send(app=app, office="clerks-1", starts_at=iso(SLOT), email="stranger@example.org")).json()["link"]
    link = (await move(app, link, SLOT + timedelta(hours=1))).json()["link"]
    refused = await move(app, link, SLOT + timedelta(hours=2))
    assert (code(refused), refused.json()["reason"]) == (END, "mailbox")


async def test_a_move_to_the_same_time_changes_nothing_mails_nothing_and_counts_nothing(
    gated: Any, send: Any, move: Move, stored: Any, client: httpx.AsyncClient, free: Any
) -> None:
    app = gated(link_moves=Limit(proof_from=1, at_most=1, seconds=86_400))
    booked = (await send(app=app, office="clerks-1", starts_at=iso(SLOT))).json()
    before = await stored("appointment")
    for _ in range(5):
        stayed = await move(app, booked["link"], SLOT)
        assert stayed.status_code == 200
        assert {**stayed.json(), "link": None} == {**booked, "link": None}
    assert await stored("appointment") == before
    assert (len(await stored("outbox")), await stored("freed_slot")) == (1, [])
    headers = {"Authorization": f"Bearer {stayed.json()['link'].split('#')[1]}"}
    assert (await client.get("/appointment", headers=headers)).status_code == 200
    assert (await move(app, booked["link"], SLOT + timedelta(hours=1))).status_code == 200  # the one that it may


async def test_what_is_left_within_minutes_returns_at_once(
    gated: Any, send: Any, move: Move, free: Any, clock: Any
) -> None:
    app = gated()
    link = (await send(app=app, office="clerks-1", starts_at=iso(SLOT))).json()["link"]
    for hour in range(1, 6):
        clock.forward(minutes=9)
        link = (await move(app, link, SLOT + timedelta(hours=hour))).json()["link"]
        shown = await free()
        assert iso(SLOT + timedelta(hours=hour - 1)) in shown
        assert iso(SLOT + timedelta(hours=hour)) not in shown


async def test_one_appointment_hides_one_slot_of_those_that_it_left(
    gated: Any, send: Any, move: Move, free: Any, clock: Any
) -> None:
    app = gated()
    link = (await send(app=app, office="clerks-1", starts_at=iso(SLOT))).json()["link"]
    for hour in range(1, 6):
        clock.forward(minutes=10)
        link = (await move(app, link, SLOT + timedelta(hours=hour))).json()["link"]
        shown = await free()
        hidden = [at for at in range(6) if iso(SLOT + timedelta(hours=at)) not in shown]
        assert hidden == [hour - 1, hour]  # where it is, and what it left last


async def test_what_was_hardly_taken_goes_to_those_who_wait_first(client: httpx.AsyncClient, room: Any) -> None:
    at = SLOT + timedelta(hours=1)
    gone = await room.book(at, "Gone")
    await room.book(at, "Other")  # the second clerk's
    await room.wait(SLOT + timedelta(hours=5), "Anna")
    await room.cancel(gone)
    assert iso(at) not in await room.slots()
    await room.round()
    assert await room.offices() == [("Anna", "open")]


async def test_the_office_moves_as_often_as_it_likes(
    client: httpx.AsyncClient, gated: Any, send: Any, signed_in: Any
) -> None:
    none = Limit(proof_from=0, at_most=1, seconds=86_400)
    app = gated(link_moves=none, move=none, mailbox=WIDE)
    booked = (await send(app=app, office="clerks-1", starts_at=iso(SLOT))).json()
    path = f"http://test/api/booking/office/appointments/{booked['appointment_id']}/rescheduling"
    async with AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False)) as clerk:
        for hour in range(1, 6):
            body = {"starts_at": iso(SLOT + timedelta(hours=hour))}
            answer = await clerk.post(path, json=body, headers=signed_in("clerk", "clerks-1"))
            assert answer.status_code == 200, answer.text


async def test_cancelling_is_never_refused_but_tells_a_mailbox_no_more_than_enough(
    gated: Any, send: Any, stored: Any
) -> None:
    """Else whoever books under a stranger's address mails them twice as often by cancelling."""
    few, email = Limit(proof_from=2, at_most=2, seconds=3600), "stranger@example.org"
    app = gated(mailbox=few, cancellation=Limit(proof_from=9, at_most=9, seconds=60))
    at = [SLOT + timedelta(hours=hour) for hour in range(2)]
    booked = [(await send(app=app, office="clerks-1", starts_at=iso(each), email=email)).json() for each in at]
    transport = ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 1))
    async with AsyncClient(transport=transport) as citizen:
        for each in booked:
            headers = {"Authorization": f"Bearer {each['link'].split('#')[1]}"}
            path = "http://test/api/booking/appointment/cancellation"
            assert (await citizen.post(path, headers=headers)).status_code == 200
    told = [b'"quiet":true' in bytes(row["body"]) for row in await stored("outbox") if "cancelled" in row["subject"]]
    assert told == [True, True]
