"""The waiting list among several processes that work, answer, book and die at the same time."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from booking.app import build
from booking.settings import Settings
from booking.waiting import offering, worker
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

EARLY = datetime(2026, 6, 2, 6, tzinfo=UTC)
LATE = EARLY + timedelta(days=2)
APART = timedelta(minutes=30)


@pytest_asyncio.fixture(loop_scope="module")
async def replica(settings: Settings, app: FastAPI) -> AsyncIterator[FastAPI]:
    """A second process of booking, as far as the database can tell: with connections and a memory of its own."""
    other = build(settings, clock=app.state.clock)
    yield other
    await other.state.database.close()


async def go_round(app: FastAPI) -> int:
    deps = app.state.deps
    return await offering.go_round(deps, app.state.database, deps.offices["town"], app.state.clock())


def overlaps(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Neighbours on one lane that are there at the same time."""
    ordered = sorted(rows, key=lambda row: (row["lane"], row["starts_at"]))
    return [
        (a, b)
        for a, b in pairwise(ordered)
        if a["lane"] == b["lane"] and (a.get("busy_until") or a["ends_at"]) > b["starts_at"]
    ]


async def test_two_workers_and_twenty_slots(room: Any, app: FastAPI, replica: FastAPI, stored: Any) -> None:
    leaving = [await room.book(EARLY + n // 2 * APART, f"Gone{n}") for n in range(20)]
    for n in range(25):
        await room.wait(LATE + n // 2 * APART, f"W{n:02}")

    async def work(which: FastAPI) -> None:
        for _ in range(5):
            await go_round(which)

    await asyncio.gather(*(room.cancel(link) for link in leaving), work(app), work(replica), work(app), work(replica))
    await go_round(app)
    offices = await stored("slot_offer")
    assert len(offices) == 20
    assert {row["state"] for row in offices} == {"open"}
    assert len({row["freed_id"] for row in offices}) == len({row["entry_id"] for row in offices}) == 20
    assert overlaps(offices) == []
    assert sorted(mail.citizen.name for mail in await room.mails()) == [f"W{n:02}" for n in range(20)]


async def test_offers_answers_cancellations_and_two_workers_at_once(
    client: httpx.AsyncClient, room: Any, app: FastAPI, replica: FastAPI, stored: Any, clock: Any
) -> None:
    dice = random.Random(7)
    leaving = [await room.book(EARLY + n // 2 * APART, f"Gone{n}") for n in range(12)]
    waiting = [await room.wait(LATE + n // 2 * APART, f"W{n:02}") for n in range(16)]
    answered: set[str] = set()

    async def answer(link: dict[str, str]) -> None:
        path, body = dice.choice([("acceptance", {}), ("acceptance", {}), ("refusal", {"leave_list": False})])
        got = await client.post(f"/offer/{path}", headers=link, json=body)
        assert got.status_code in (200, 204, 409, 503), got.text

    for turn in range(8):
        tokens = {mail.offer_token for mail in await room.mails()} - answered
        answered |= tokens
        acts: list[Any] = [answer({"Authorization": f"Bearer {token}"}) for token in sorted(tokens) for _ in range(2)]
        acts += [client.delete("/appointment/waiting", headers=waiting[turn])] if turn % 3 == 2 else []
        batch = [leaving.pop() for _ in range(min(2, len(leaving)))]
        await asyncio.gather(*acts, *map(room.cancel, batch), go_round(app), go_round(replica))
        open_offers = [row for row in await stored("slot_offer") if row["state"] == "open"]
        assert overlaps(open_offers) == []
        assert max(Counter(row["entry_id"] for row in open_offers).values(), default=0) <= 1
        booked = [row for row in await stored("appointment") if row["state"] == "booked"]
        assert overlaps(booked) == []
        clock.forward(minutes=11)
    accepted = [row for row in await stored("slot_offer") if row["state"] == "accepted"]
    moved = [row for row in await stored("outbox") if row["subject"] == "booking.rescheduled.v1"]
    assert accepted
    assert len(accepted) == len(moved)


async def test_acceptance_against_the_public(
    client: httpx.AsyncClient, room: Any, book: Any, stored: Any, clock: Any
) -> None:
    gone = await room.book(EARLY, "Gone")
    await room.book(EARLY, "Other")
    await room.wait(LATE, "Anna")
    await room.cancel(gone)
    await room.round()
    link = await room.newest()

    async def grab() -> int:
        answer = await book("town", starts_at=EARLY.isoformat(), services=room.SERVICES, email="bot@example.org")
        return int(answer.status_code)

    accepting = client.post("/offer/acceptance", headers=link)
    grabbing = asyncio.gather(*(grab() for _ in range(20)))
    accepted, grabbed = await asyncio.gather(accepting, grabbing)
    assert accepted.status_code == 200
    assert set(grabbed) == {409}
    assert overlaps([row for row in await stored("appointment") if row["state"] == "booked"]) == []


async def test_yes_and_no_at_the_same_time_is_one_of_them(client: httpx.AsyncClient, room: Any, stored: Any) -> None:
    gone = await room.book(EARLY, "Gone")
    await room.wait(LATE, "Anna")
    await room.cancel(gone)
    await room.round()
    link = await room.newest()
    acts = [client.post("/offer/acceptance", headers=link) for _ in range(4)]
    acts += [client.post("/offer/refusal", headers=link, json={}) for _ in range(4)]
    answers = await asyncio.gather(*acts)
    said_yes = {answer.status_code for answer in answers[:4]}
    said_no = {answer.status_code for answer in answers[4:]}
    (offer,) = await stored("slot_offer")
    expected = {"accepted": ({200}, {409}), "refused": ({409}, {204})}[offer["state"]]
    assert (said_yes, said_no) == expected
    assert len({answer.text for answer in answers[:4] if answer.status_code == 200}) <= 1


async def test_without_its_mail_there_is_no_offer(database: Database, room: Any, app: FastAPI, stored: Any) -> None:
    gone = await room.book(EARLY, "Gone")
    await room.wait(LATE, "Anna")
    async with database.transaction() as tx:
        await tx.execute(
            "ALTER TABLE outbox ADD CONSTRAINT disk_full CHECK (subject <> 'booking.slot_offered.v1') NOT VALID"
        )
    try:
        await room.cancel(gone)
        with pytest.raises(asyncpg.CheckViolationError):
            await go_round(app)
        assert await stored("slot_offer") == []
        assert [row["state"] for row in await stored("waiting_entry")] == ["waiting"]
    finally:
        async with database.transaction() as tx:
            await tx.execute("ALTER TABLE outbox DROP CONSTRAINT disk_full")
    await go_round(app)
    assert await room.offices() == [("Anna", "open")]


async def test_another_process_goes_on_where_one_has_died(
    client: httpx.AsyncClient, room: Any, app: FastAPI, replica: FastAPI, clock: Any
) -> None:
    gone = await room.book(EARLY, "Gone")
    for name in ("Anna", "Berta"):
        await room.wait(LATE, name)
    await room.cancel(gone)
    await go_round(app)
    clock.forward(minutes=60)
    await go_round(replica)
    assert await room.offices() == [("Anna", "expired"), ("Berta", "open")]
    other = httpx.ASGITransport(replica, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=other, base_url="http://test/api/booking") as elsewhere:
        answer = await elsewhere.post("/offer/acceptance", headers=await room.newest())
    assert answer.json()["starts_at"] == "2026-06-02T06:00:00Z"


async def test_the_worker_is_woken_by_a_slot_that_is_given_back(room: Any) -> None:
    gone = await room.book(EARLY, "Gone")
    await room.wait(LATE, "Anna")
    await room.cancel(gone)
    async with asyncio.timeout(worker.POLL_SECONDS - 2):
        while not await room.offices():
            await asyncio.sleep(0.02)


async def test_the_worker_finds_what_nobody_woke_it_for(
    room: Any, replica: FastAPI, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)
    gone = await room.book(EARLY, "Gone")
    for name in ("Anna", "Berta"):
        await room.wait(LATE, name)
    await room.cancel(gone)
    deps = replica.state.deps
    work = asyncio.create_task(worker.run(deps, replica.state.database, clock, asyncio.Event()))
    try:
        async with asyncio.timeout(20):
            while await room.offices() != [("Anna", "open")]:
                await asyncio.sleep(0.02)
            clock.forward(minutes=60)
            while await room.offices() != [("Anna", "expired"), ("Berta", "open")]:
                await asyncio.sleep(0.02)
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
