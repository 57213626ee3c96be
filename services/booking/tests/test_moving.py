"""Moving an appointment through its link: another time, another link, one mail; and the old slot goes to others."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.booking import BookingRescheduled

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT, NEXT, LATER = "2026-06-02T06:00:00Z", "2026-06-02T06:05:00Z", "2026-06-03T12:30:00Z"


def bearer(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.split('#')[1]}"}


@pytest.fixture
def move(client: httpx.AsyncClient) -> Any:
    async def post(link: str, starts_at: str, key: str | None = None, **more: object) -> httpx.Response:
        headers = bearer(link) | {"Idempotency-Key": key or uuid4().hex}
        body = {"starts_at": starts_at} | more
        while True:
            answer = await client.post("/appointment/rescheduling", json=body, headers=headers)
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.1)  # busy: a machine under load makes the pool's queue long

    return post


async def test_a_moved_appointment_keeps_its_reference_and_gets_another_link(
    client: httpx.AsyncClient, book: Any, move: Any, stored: Any
) -> None:
    before = (await book(needs=["interpreter"], phone="06221 58000", plain_language=True)).json()
    moved = await move(before["link"], LATER)
    assert moved.status_code == 200, moved.text
    after = moved.json()
    assert (after["reference"], after["appointment_id"]) == (before["reference"], before["appointment_id"])
    assert after["starts_at"] == LATER

    old = await client.get("/appointment", headers=bearer(before["link"]))
    assert (old.status_code, old.json()["code"]) == (410, "link_expired")
    view = (await client.get("/appointment", headers=bearer(after["link"]))).json()
    assert (view["starts_at"], view["state"], view["movable"]) == (LATER, "booked", True)

    event = BookingRescheduled.model_validate_json((await stored("outbox"))[-1]["body"])
    assert (event.link_generation, event.rescheduled_by, event.needs) == (2, "citizen", ("interpreter",))
    assert event.previous_starts_at.isoformat().startswith("2026-06-02T06:00")
    assert (event.citizen.phone, event.citizen.plain_language) == ("+49622158000", True)
    assert after["link"].endswith(event.link_token)


async def test_a_repeated_move_repeats_its_answer_although_the_link_is_dead_by_then(
    book: Any, move: Any, stored: Any
) -> None:
    link, key = (await book()).json()["link"], uuid4().hex
    first, second = await move(link, LATER, key), await move(link, LATER, key)
    assert (second.status_code, second.json()) == (200, first.json())
    assert len(await stored("outbox")) == 2


async def test_the_slot_that_was_left_is_public_again_after_a_while(
    client: httpx.AsyncClient, book: Any, move: Any, clock: Any
) -> None:
    link = (await book("clerks-1", starts_at=SLOT)).json()["link"]
    clock.forward(minutes=10)
    await move(link, LATER)
    query = {"services": "fuehrungszeugnis", "from": "2026-06-02"}

    async def free() -> set[str]:
        answer = await client.get("/offices/clerks-1/slots", params=query)
        return {slot["starts_at"] for slot in answer.json()["slots"]}

    assert SLOT not in await free()
    assert (await book("clerks-1", starts_at=SLOT)).json()["code"] == "slot_taken"  # not by guessing either
    clock.forward(minutes=91)
    assert SLOT in await free()


async def test_an_appointment_moves_within_its_own_time(client: httpx.AsyncClient, book: Any, move: Any) -> None:
    services = [{"service_id": "anmeldung"}]  # a quarter of an hour
    link = (await book("clerks-1", starts_at=SLOT, services=services)).json()["link"]
    own = await client.get("/appointment/slots", params={"from": "2026-06-02"}, headers=bearer(link))
    assert NEXT in {slot["starts_at"] for slot in own.json()["slots"]}
    assert (await move(link, NEXT)).status_code == 200


async def test_where_somebody_else_is_nobody_moves(book: Any, move: Any, stored: Any) -> None:
    await book("clerks-1", starts_at=LATER)
    link = (await book("clerks-1", starts_at=SLOT)).json()["link"]
    refused = await move(link, LATER)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    assert refused.json()["alternatives"]
    assert len(await stored("outbox")) == 2
    assert (await move(link, NEXT)).status_code == 200  # the link is alive


@pytest.mark.parametrize(
    ("starts_at", "reason"),
    [
        ("2026-06-01T06:00:00Z", "in_past"),
        ("2026-06-01T07:05:00Z", "too_soon"),
        ("2026-06-02T06:01:00Z", "not_on_grid"),
    ],
)
async def test_a_move_goes_where_a_booking_may_go(book: Any, move: Any, starts_at: str, reason: str) -> None:
    refused = await move((await book()).json()["link"], starts_at)
    assert (refused.status_code, refused.json()["reason"]) == (422, reason)


async def test_what_has_begun_or_was_cancelled_does_not_move(
    client: httpx.AsyncClient, book: Any, move: Any, clock: Any
) -> None:
    link = (await book()).json()["link"]
    clock.forward(days=1)
    late = await move(link, LATER)
    assert (late.status_code, late.json()["code"]) == (409, "not_movable")


async def test_a_move_takes_the_slot_that_the_citizen_holds(client: httpx.AsyncClient, book: Any, move: Any) -> None:
    link = (await book("clerks-1", starts_at=SLOT)).json()["link"]
    body = {"services": ["fuehrungszeugnis"], "starts_at": LATER}
    mine = (await client.post("/offices/clerks-1/holds", json=body)).json()["hold_id"]
    assert (await move((await book("clerks-1", starts_at=NEXT)).json()["link"], LATER)).status_code == 409
    assert (await move(link, LATER, hold_id=mine)).status_code == 200


async def test_who_moves_by_a_few_minutes_can_hold_what_overlaps_their_own_time(
    client: httpx.AsyncClient, book: Any, move: Any
) -> None:
    long = [{"service_id": "anmeldung"}]
    link = (await book("clerks-1", starts_at=SLOT, services=long)).json()["link"]
    overlapping = (datetime.fromisoformat(SLOT) + timedelta(minutes=5)).isoformat()
    other = (await book("clerks-1", starts_at=LATER)).json()["link"]

    async def hold(link: str, starts_at: str) -> httpx.Response:
        return await client.post("/appointment/holds", headers=bearer(link), json={"starts_at": starts_at})

    assert (await hold(other, overlapping)).json()["code"] == "slot_taken"
    held = await hold(link, overlapping)
    assert held.status_code == 201
    assert (await move(other, overlapping)).json()["code"] == "slot_taken"
    assert (await move(link, overlapping, hold_id=held.json()["hold_id"])).status_code == 200
    assert (await hold(link, LATER)).json()["code"] == "link_expired"


async def test_what_has_begun_holds_no_other_time(client: httpx.AsyncClient, book: Any, clock: Any) -> None:
    link = (await book("clerks-1", starts_at=SLOT)).json()["link"]
    clock.forward(days=1)
    refused = await client.post("/appointment/holds", headers=bearer(link), json={"starts_at": LATER})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_movable")


@pytest.mark.parametrize("capacity", [1, 2])
async def test_fifty_who_move_and_book_at_once_for_one_slot(book: Any, move: Any, stored: Any, capacity: int) -> None:
    office = f"clerks-{capacity}"
    links = [
        (await book(office, starts_at=f"2026-06-02T{hour:02}:{minute:02}:00Z")).json()["link"]
        for hour in (6, 7)
        for minute in range(0, 60, 5)
    ]
    answers = await asyncio.gather(
        *(move(link, LATER) for link in links), *(book(office, starts_at=LATER) for _ in range(26))
    )
    codes = Counter(answer.status_code for answer in answers)
    assert codes[200] + codes[201] == capacity
    assert codes[409] == 50 - capacity
    at_slot = [
        row for row in await stored("appointment") if row["starts_at"].isoformat().startswith("2026-06-03T12:30")
    ]
    assert sorted(row["lane"] for row in at_slot) == list(range(capacity))
    assert len(await stored("outbox")) == 24 + capacity
