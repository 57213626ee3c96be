"""Slots that somebody gave back and the public does not see yet: clerks see and may use them; what is offered stays."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.slots import model
from booking.slots.model import Kept

pytestmark = pytest.mark.asyncio(loop_scope="module")

NINE = datetime(2026, 6, 2, 7, 0, tzinfo=UTC)  # 09:00 in Berlin
FULL = {"services": [{"service_id": "anmeldung"}]}


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.fixture
def seen(client: httpx.AsyncClient, signed_in: Any) -> Callable[..., Any]:
    """`await seen(path=...)`: what clerks of the town are shown that day, with when the public sees it again."""

    async def ask(path: str = "/office/slots", office: str = "town") -> dict[str, str | None]:
        query = {"from": "2026-06-02", "to": "2026-06-02"} | (
            {"services": "anmeldung"} if path.endswith("office/slots") else {}
        )
        answer = await client.get(path, params=query, headers=signed_in(office=office))
        assert answer.status_code == 200, answer.text
        return {slot["starts_at"]: slot["returns_at"] for slot in answer.json()["slots"]}

    return ask


@pytest.fixture
def for_somebody(client: httpx.AsyncClient, signed_in: Any, order: Any) -> Callable[..., Any]:
    """`await for_somebody(at)`: a clerk of the town books for a citizen at the desk."""

    async def book(at: datetime, **changes: Any) -> httpx.Response:
        body = order(**FULL, starts_at=iso(at), **changes)
        return await client.post("/office/appointments", json=body, headers=signed_in(office="town"))

    return book


async def given_back(room: Any, clock: Any, at: datetime = NINE) -> None:
    """All lanes are taken at that time, and one of two is given back after a while: it is kept from the public."""
    first = await room.book(at, "Erika")
    await room.book(at, "Max")
    clock.forward(minutes=11)  # what was hardly taken returns at once
    await room.cancel(first)
    assert iso(at) not in await room.slots()


async def test_a_clerk_sees_what_is_kept_from_the_public_and_until_when(
    room: Any, clock: Any, seen: Any, stored: Any
) -> None:
    await given_back(room, clock)
    (freed,) = await stored("freed_slot")
    shown = await seen()
    assert shown[iso(NINE)] == iso(freed["public_at"].astimezone(UTC))
    beside = [iso(NINE + timedelta(minutes=minutes)) for minutes in (-15, 0, 15)]  # with the pause they overlap it
    assert [at for at, back in shown.items() if back] == beside
    assert {at for at, back in shown.items() if not back} >= set(await room.slots())
    clock.now = freed["public_at"]
    assert not any((await seen()).values())
    assert iso(NINE) in await room.slots()


async def test_and_books_it_for_somebody_at_the_desk_while_the_public_does_not_get_it(
    room: Any, clock: Any, seen: Any, for_somebody: Any, book: Any
) -> None:
    await given_back(room, clock)
    refused = await book("town", **FULL, starts_at=iso(NINE))
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    booked = await for_somebody(NINE)
    assert booked.status_code == 201, booked.text
    assert iso(NINE) not in await seen()
    clock.forward(minutes=91)
    assert iso(NINE) not in await room.slots(), "it does not return: it is taken"
    assert (await for_somebody(NINE)).json()["code"] == "slot_taken"


async def test_or_moves_somebody_there(
    client: httpx.AsyncClient, room: Any, clock: Any, seen: Any, signed_in: Any, stored: Any
) -> None:
    await given_back(room, clock)
    link = await room.book(NINE + timedelta(hours=2), "Later")
    (later,) = [row["id"] for row in await stored("appointment") if row["name"] == "Later"]
    path = f"/office/appointments/{later}"
    assert (await seen(f"{path}/slots"))[iso(NINE)] is not None
    body = {"starts_at": iso(NINE)}
    citizen = await client.post(
        "/appointment/rescheduling", json=body, headers=link | {"Idempotency-Key": "citizen-moves-1"}
    )
    assert citizen.json()["code"] == "slot_taken", "the citizen does not get there by themselves"
    moved = await client.post(f"{path}/rescheduling", json=body, headers=signed_in(office="town"))
    assert (moved.status_code, moved.json()["starts_at"]) == (200, iso(NINE)), moved.text


async def test_what_is_offered_to_who_waits_is_a_block_for_clerks_too_until_they_say_no(
    client: httpx.AsyncClient, room: Any, clock: Any, seen: Any, for_somebody: Any
) -> None:
    await room.wait(NINE + timedelta(hours=2), "Anna")
    await given_back(room, clock)
    await room.round()
    assert await room.offices() == [("Anna", "open")]
    assert iso(NINE) not in await seen()
    assert (await for_somebody(NINE)).json()["code"] == "slot_taken"
    assert (await client.post("/offer/refusal", headers=await room.newest(), json={})).status_code == 204
    assert (await seen())[iso(NINE)] is not None
    assert (await for_somebody(NINE)).status_code == 201
    assert await room.round() == 0, "nobody is offered what a clerk has used"


async def test_a_lane_that_everybody_may_have_is_taken_first(
    room: Any, clock: Any, for_somebody: Any, seen: Any, stored: Any
) -> None:
    first = await room.book(NINE, "Erika")
    clock.forward(minutes=11)
    await room.cancel(first)
    (freed,) = await stored("freed_slot")
    assert (await seen())[iso(NINE)] is None, "the other lane is free for all"
    assert (await for_somebody(NINE)).status_code == 201
    (booked,) = [row for row in await stored("appointment") if row["state"] == "booked"]
    assert booked["lane"] != freed["lane"]
    assert (await seen())[iso(NINE)] == iso(freed["public_at"].astimezone(UTC))


async def test_another_offices_clerk_sees_nothing_of_it(room: Any, clock: Any, seen: Any) -> None:
    await given_back(room, clock)
    assert not any((await seen(office="clerks-2")).values())


async def test_a_clerk_and_the_waiting_list_never_get_the_same_slot(
    room: Any, clock: Any, for_somebody: Any, stored: Any
) -> None:
    """Both reach for it at once, time and again: it is booked, or offered, and never both."""
    for _ in range(5):
        await room.wait(NINE + timedelta(hours=2), "Anna")
        await given_back(room, clock)
        answer, *_ = await asyncio.gather(for_somebody(NINE), *(room.round() for _ in range(3)))
        offers = [row for row in await stored("slot_offer") if row["state"] == "open"]
        assert (answer.status_code == 201) != bool(offers), (answer.text, offers)
        async with room._app.state.database.transaction() as tx:
            for table in ("slot_offer", "waiting_entry", "freed_slot", "appointment"):
                await tx.execute(f"DELETE FROM ours.{table}")  # noqa: S608 - named here


MINUTES = st.integers(0, 20)
BUSY = st.lists(st.tuples(st.integers(0, 2), MINUTES, st.integers(1, 6)), max_size=6)


@given(
    busy=BUSY, kept=st.lists(st.tuples(st.integers(0, 2), MINUTES, st.integers(1, 6), st.integers(1, 9)), max_size=5)
)
async def test_the_moment_that_is_told_is_when_the_public_sees_it(busy: Any, kept: Any) -> None:
    """Whatever is taken and kept: then it is free, whatever is kept for longer, and a moment before it is not."""
    starts, lanes, seconds = range(0, 20, 2), [0, 1, 2], 3
    taken = [(lane, low, low + length) for lane, low, length in busy]
    left = [Kept(lane, low, low + length, NINE + timedelta(minutes=at)) for lane, low, length, at in kept]
    free = model.free(starts, seconds, lanes, taken)
    told = model.returning(free, seconds, lanes, taken, left)

    def public(at: datetime) -> set[int]:
        return set(model.free(starts, seconds, lanes, [*taken, *(one[:3] for one in left if one.public_at > at)]))

    assert set(free) == public(NINE) | set(told)
    for start, at in told.items():
        assert start in public(at)
        assert start not in public(at - timedelta(seconds=1))
