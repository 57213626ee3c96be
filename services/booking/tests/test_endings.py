"""An appointment whose end has passed ends by itself: what depends on its end does not wait for a clerk who forgot."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from booking.appointments import endings, model, store
from booking.retention.worker import erase_what_is_over
from contracts.ids import AppointmentId

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
END = SLOT + timedelta(minutes=5)


@pytest.fixture
def lapse(database: Any, clock: Any) -> Any:
    """`await lapse()`: what the worker does; how many lapsed."""

    async def run() -> int:
        async with database.transaction() as tx:
            return await store.lapse(tx, "heidelberg", clock(), limit=10)

    return run


@pytest.fixture
def state(stored: Any) -> Any:
    """`await state()`: of the only appointment."""

    async def read() -> str:
        (row,) = await stored("appointment")
        return str(row["state"])

    return read


def bearer(booked: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {booked['link'].split('#')[1]}"}


async def test_nobody_said_what_became_of_it_so_it_lapses(book: Any, clock: Any, lapse: Any, state: Any) -> None:
    await book()
    clock.now = END + model.LAPSES_AFTER - timedelta(seconds=1)
    assert (await lapse(), await state()) == (0, "booked")
    clock.forward(seconds=1)
    assert (await lapse(), await lapse(), await state()) == (1, 0, "lapsed")


async def test_whoever_waits_or_talks_is_waited_for(book: Any, clock: Any, lapse: Any, database: Any) -> None:
    booked = (await book()).json()
    async with database.transaction() as tx:
        appointment = AppointmentId(booked["appointment_id"])
        await store.citizen_seen(tx, "heidelberg", appointment, SLOT, here=True)
        await store.call_began(tx, "heidelberg", appointment, SLOT)
        await store.call_took(tx, "heidelberg", appointment, 60)  # the connection broke once
    clock.now = END + model.LAPSES_AFTER
    assert await lapse() == 0
    clock.now = END + model.HERE_AT_MOST
    assert await lapse() == 1


@pytest.mark.parametrize("end", ["completed", "aborted"])
async def test_who_says_it_late_is_believed(
    book: Any, clock: Any, lapse: Any, state: Any, database: Any, end: Any
) -> None:
    booked = (await book()).json()
    clock.now = END + timedelta(days=1)
    await lapse()
    async with database.transaction() as tx:
        await endings.finish(tx, "heidelberg", AppointmentId(booked["appointment_id"]), end, clock())
    assert await state() == end


async def test_also_that_nobody_came(
    client: httpx.AsyncClient, book: Any, clock: Any, lapse: Any, state: Any, signed_in: Any
) -> None:
    booked = (await book()).json()
    clock.now = END + timedelta(days=1)
    await lapse()
    path = f"/office/appointments/{booked['appointment_id']}/no-show"
    assert (await client.post(path, headers=signed_in())).status_code == 200
    assert await state() == "no_show"


async def test_then_the_citizen_is_erased_at_once(
    client: httpx.AsyncClient, book: Any, clock: Any, stored: Any
) -> None:
    booked = (await book()).json()
    clock.now = END + timedelta(days=18)  # whether or not the worker has been here
    assert (await client.post("/appointment/erasure", headers=bearer(booked))).status_code == 204
    (row,) = await stored("appointment")
    assert (row["state"], bool(row["erased_at"])) == ("lapsed", True)


@pytest.mark.parametrize("way", ["clerk", "casework"])
async def test_of_whom_is_erased_nobody_says_that_they_did_not_come(
    client: httpx.AsyncClient, book: Any, clock: Any, app: Any, stored: Any, signed_in: Any, way: str
) -> None:
    booked = (await book()).json()
    clock.now = END + timedelta(days=400)
    assert await erase_what_is_over(app.state.deps.offices, app.state.database, clock()) == 1
    if way == "clerk":
        path = f"/office/appointments/{booked['appointment_id']}/no-show"
        assert (await client.post(path, headers=signed_in())).json()["code"] == "not_missed"
    else:
        async with app.state.database.transaction() as tx:
            appointment = AppointmentId(booked["appointment_id"])
            await endings.nobody_came(tx, "heidelberg", appointment, actor="system:casework", at=clock())
    (row,) = await stored("appointment")
    assert row["state"] == "lapsed"
    assert "booking.no_show.v1" not in [event["subject"] for event in await stored("outbox")]


@pytest.mark.parametrize(("seen", "refused"), [([True], True), ([True, False], False), ([], False)])
async def test_of_whom_is_in_the_room_nobody_says_that_they_did_not_come(
    client: httpx.AsyncClient, book: Any, clock: Any, database: Any, signed_in: Any, seen: list[bool], refused: bool
) -> None:
    booked = (await book()).json()
    clock.now = SLOT + timedelta(hours=1)
    async with database.transaction() as tx:
        for minute, here in enumerate(seen):
            at, appointment = SLOT + timedelta(minutes=minute), AppointmentId(booked["appointment_id"])
            await store.citizen_seen(tx, "heidelberg", appointment, at, here=here)
        await store.citizen_seen(
            tx, "heidelberg", AppointmentId(booked["appointment_id"]), SLOT - timedelta(minutes=1), here=False
        )
    answer = await client.post(f"/office/appointments/{booked['appointment_id']}/no-show", headers=signed_in())
    assert (answer.status_code, answer.json().get("code")) == ((409, "citizen_here") if refused else (200, None))


async def test_who_came_after_all_was_not_missed(
    client: httpx.AsyncClient, book: Any, clock: Any, database: Any, state: Any, signed_in: Any
) -> None:
    booked = (await book()).json()
    clock.now = SLOT + timedelta(hours=1)
    await client.post(f"/office/appointments/{booked['appointment_id']}/no-show", headers=signed_in())
    for end in ("aborted", "completed"):
        async with database.transaction() as tx:
            await endings.finish(tx, "heidelberg", AppointmentId(booked["appointment_id"]), end, clock())
        assert await state() == ("no_show" if end == "aborted" else "completed")
