"""Missed, here now: a clerk takes back, on the same day, that somebody did not come."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from booking.appointments import endings
from contracts.booking import BookingResumed
from contracts.ids import AppointmentId

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 2, 22, 0, tzinfo=UTC)  # in Berlin


@pytest.fixture
def missed(client: httpx.AsyncClient, book: Any, clock: Any, signed_in: Any) -> Any:
    """`await missed()`: an appointment of which a clerk said, 12 minutes after its start, that nobody came."""

    async def run(**fields: Any) -> dict[str, Any]:
        booked: dict[str, Any] = (await book(**fields)).json()
        clock.now = SLOT + timedelta(minutes=12)
        answer = await client.post(f"/office/appointments/{booked['appointment_id']}/no-show", headers=signed_in())
        assert answer.json()["state"] == "no_show"
        return booked

    return run


@pytest.fixture
def resume(client: httpx.AsyncClient, signed_in: Any) -> Any:
    """`await resume(booked)`: the clerk takes it back."""

    async def run(booked: dict[str, Any], **clerk: Any) -> httpx.Response:
        path = f"/office/appointments/{booked['appointment_id']}/resumption"
        return await client.post(path, headers=signed_in(**clerk))

    return run


async def subjects(stored: Any) -> list[str]:
    return [row["subject"] for row in sorted(await stored("outbox"), key=lambda row: row["id"])]


async def test_the_appointment_goes_on_and_its_link_leads_to_it_again(
    client: httpx.AsyncClient, missed: Any, resume: Any, clock: Any, stored: Any
) -> None:
    booked = await missed()
    clock.forward(minutes=2)
    for _ in range(2):
        answer = await resume(booked)
        assert (answer.status_code, answer.json()["state"], answer.json()["meanwhile"]) == (200, "booked", [])
    assert (await subjects(stored)).count(BookingResumed.SUBJECT) == 1
    link = {"Authorization": f"Bearer {booked['link'].split('#')[1]}"}
    seen = (await client.get("/appointment", headers=link)).json()
    assert (seen["state"], seen["awaited"]) == ("booked", True)


async def test_it_counts_as_one_that_took_place(
    client: httpx.AsyncClient, missed: Any, resume: Any, clock: Any, app: Any, signed_in: Any
) -> None:
    booked = await missed()
    await resume(booked)
    async with app.state.database.transaction() as tx:
        await endings.finish(tx, "heidelberg", AppointmentId(booked["appointment_id"]), "completed", clock())
    days = {"from": "2026-06-01", "to": "2026-06-07"}
    (total, *_) = (await client.get("/office/statistics", params=days, headers=signed_in("lead"))).json()["totals"]
    assert (total["booked"], total["completed"], total["no_show"]) == (1, 1, 0)


async def test_whoever_has_the_time_by_now_keeps_it_and_is_named(
    client: httpx.AsyncClient, missed: Any, resume: Any, clock: Any, signed_in: Any, order: Any, app: Any
) -> None:
    booked = await missed()
    (lane,) = await _lanes(app, booked)
    clock.now = SLOT + timedelta(minutes=1)  # the time that was theirs has not passed
    other = await client.post(
        "/office/appointments", json=order(starts_at=SLOT.isoformat(), lane=lane), headers=signed_in()
    )
    assert other.status_code == 201, other.text
    answer = (await resume(booked)).json()
    assert [one["appointment_id"] for one in answer["meanwhile"]] == [other.json()["appointment_id"]]
    link = {"Authorization": f"Bearer {booked['link'].split('#')[1]}"}
    seen = (await client.get("/appointment", headers=link)).json()
    assert (seen["state"], seen["awaited"]) == ("lapsed", True)
    assert (await resume(booked)).json() == answer, "a repetition changes nothing"


async def _lanes(app: Any, booked: dict[str, Any]) -> list[int]:
    async with app.state.database.transaction() as tx:
        rows = await tx.rows(
            "SELECT lane FROM appointment WHERE office = 'heidelberg' AND reference = :reference",
            reference=booked["reference"],
        )
    return [row["lane"] for row in rows]


async def test_until_the_day_of_the_office_is_over(missed: Any, resume: Any, clock: Any) -> None:
    booked = await missed()
    clock.now = MIDNIGHT
    answer = await resume(booked)
    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (
        409,
        "not_resumable",
        "another_day",
    )
    clock.now = MIDNIGHT - timedelta(seconds=1)
    assert (await resume(booked)).status_code == 200


async def test_what_was_not_missed_cannot_be_taken_back(
    client: httpx.AsyncClient, book: Any, resume: Any, signed_in: Any
) -> None:
    booked = (await book()).json()
    assert (await resume(booked)).json()["reason"] == "not_missed"
    await client.post(f"/office/appointments/{booked['appointment_id']}/cancellation", headers=signed_in())
    assert (await resume(booked)).json()["reason"] == "not_missed"


async def test_of_whom_is_erased_nothing_comes_back(
    client: httpx.AsyncClient, missed: Any, resume: Any, stored: Any
) -> None:
    booked = await missed()
    link = {"Authorization": f"Bearer {booked['link'].split('#')[1]}"}
    assert (await client.post("/appointment/erasure", headers=link)).status_code == 204
    assert (await resume(booked)).json()["reason"] == "not_missed"
    assert BookingResumed.SUBJECT not in await subjects(stored)


async def test_another_office_does_not_know_it(missed: Any, resume: Any) -> None:
    answer = await resume(await missed(), role="admin", office="demo")
    assert (answer.status_code, answer.json()["code"]) == (404, "appointment_unknown")


async def test_the_aborted_case_that_is_told_late_is_taken_back_too(
    missed: Any, resume: Any, clock: Any, app: Any, stored: Any
) -> None:
    booked = await missed()
    marked_at = clock()
    clock.forward(minutes=2)
    await resume(booked)
    for at, state in ((marked_at, "booked"), (clock() + timedelta(minutes=5), "no_show")):
        async with app.state.database.transaction() as tx:
            await endings.nobody_came(
                tx, "heidelberg", AppointmentId(booked["appointment_id"]), actor="system:casework", at=at
            )
        (row,) = await stored("appointment")
        assert row["state"] == state
