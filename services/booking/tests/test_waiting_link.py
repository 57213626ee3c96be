"""The link of those who wait without an appointment: it shows the entry, and leaves the list."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from booking.retention import worker
from chassis.database import Database
from contracts.booking import BookingErased, CitizenContact, WaitingJoined

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Tuesday in Berlin. The office "town" has two clerks, quarters of an hour, pauses of five minutes, a lead of thirty.
TEN, NOON = (datetime(2026, 6, 2, hour, tzinfo=UTC) for hour in (8, 10))
WIPED = ("name", "email", "phone", "time_zone", "needs")


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


async def told(stored: Any, kind: Any) -> list[Any]:
    return [kind.model_validate_json(row["body"]) for row in await stored("outbox") if row["subject"] == kind.SUBJECT]


async def entry(stored: Any) -> Any:
    (row,) = await stored("waiting_entry")
    return row


async def test_joining_tells_notify_what_the_mail_needs_and_no_more(
    client: httpx.AsyncClient, order: Any, stored: Any
) -> None:
    person = {"phone": "+49 6221 5810580", "time_zone": "Asia/Kathmandu", "plain_language": True}
    wish = order(starts_at=None, first="2026-06-02", last="2026-06-05", needs=["companion"], **person)
    headers = {"Idempotency-Key": uuid4().hex}
    for _ in range(2):  # a repetition is the same entry, and no second mail
        joined = await client.post("/offices/town/waiting-list", json=wish, headers=headers)
    (event,) = await told(stored, WaitingJoined)
    assert str(event.appointment_id) == joined.json()["entry_id"]
    assert (str(event.first_day), str(event.last_day)) == ("2026-06-02", "2026-06-05")
    assert event.ends_at == datetime(2026, 6, 5, 22, tzinfo=UTC)  # midnight in Berlin
    assert event.citizen == CitizenContact(
        name="Erika Mustermann", email="erika@example.org", language="de", plain_language=True
    )
    assert "link" not in joined.text, "whoever reads the address's mail leaves, not whoever typed the address"


async def test_what_was_refused_is_told_to_nobody(client: httpx.AsyncClient, order: Any, stored: Any) -> None:
    refused = await client.post("/offices/town/waiting-list", json=order(starts_at=None, last="2026-05-31"))
    assert (refused.status_code, await stored("outbox")) == (422, [])


async def test_without_a_last_day_one_waits_as_long_as_the_office_books_ahead(
    app: FastAPI, room: Any, stored: Any, clock: Any
) -> None:
    since = clock.now
    await room.joins("Anna")
    (event,) = await told(stored, WaitingJoined)
    assert event.ends_at == since + timedelta(days=app.state.deps.offices["town"].office.booking.horizon_days)


async def test_the_link_shows_the_entry_and_looking_changes_nothing(
    client: httpx.AsyncClient, room: Any, stored: Any
) -> None:
    link = await room.joins("Anna", first="2026-06-02", last="2026-06-05")
    before = await entry(stored), len(await stored("outbox"))
    for _ in range(2):
        shown = await client.get("/waiting", headers=link)
    body = shown.json()
    assert (body.pop("services")[0]["name"]["de"]) == "Anmeldung"
    assert body == {
        "state": "waiting",
        "since": "2026-06-01T07:00:00Z",
        "until": "2026-06-05T22:00:00Z",
        "first": "2026-06-02",
        "last": "2026-06-05",
        "offered_until": None,
        "office": "town",
    }
    assert (await entry(stored), len(await stored("outbox"))) == before
    assert "anna@example.org" not in shown.text, "a link that was passed on shows nobody's address"


async def test_everything_stored_is_handed_out_and_nothing_after_leaving(
    client: httpx.AsyncClient, room: Any, stored: Any
) -> None:
    person = {"phone": "+4962215810580", "time_zone": "Asia/Kathmandu", "plain_language": True}
    link = await room.joins("Anna", first="2026-06-02", needs=["companion"], **person)
    answer = await client.get("/waiting/data", headers=link)
    assert answer.headers["content-disposition"].startswith("attachment")
    data = answer.json()
    assert data["citizen"] == {"name": "Anna", "email": "anna@example.org", "language": "de"} | person
    assert (data["needs"], data["first"], data["last"]) == (["companion"], "2026-06-02", None)
    assert [service["service_id"] for service in data["services"]] == ["anmeldung"]
    assert [entry["part"] for entry in data["elsewhere"]] == ["notify"]

    await client.post("/waiting/departure", headers=link)
    data = (await client.get("/waiting/data", headers=link)).json()
    assert (data["state"], data["citizen"], data["needs"]) == ("left", None, [])


async def test_leaving_forgets_at_once_and_tells_the_others_once(
    client: httpx.AsyncClient, room: Any, stored: Any
) -> None:
    link = await room.joins("Anna", phone="+49 6221 5810580", needs=["companion"])
    for _ in range(2):
        left = await client.post("/waiting/departure", headers=link)
        assert (left.status_code, left.json()["state"]) == (200, "left")
    row = await entry(stored)
    assert {row[field] for field in WIPED} == {None}
    (erased,) = await told(stored, BookingErased)
    assert erased.appointment_id == row["id"]
    assert (await client.get("/waiting", headers=link)).json()["state"] == "left"


async def test_who_has_left_is_offered_nothing(client: httpx.AsyncClient, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    await client.post("/waiting/departure", headers=await room.joins("Anna"))
    await room.cancel(gone)
    await room.round()
    assert await room.mails() == []


async def test_leaving_gives_an_open_offer_to_the_next(
    client: httpx.AsyncClient, room: Any, stored: Any, clock: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.joins("Anna")
    await room.joins("Berta")
    await room.cancel(gone)
    await room.round()
    offer = await room.newest()
    shown = (await client.get("/waiting", headers=anna)).json()
    assert (shown["state"], shown["offered_until"]) == ("offered", iso((await room.mails())[0].expires_at))
    await client.post("/waiting/departure", headers=anna)
    await room.round()
    assert await room.offices() == [("Anna", "refused"), ("Berta", "open")]
    assert (await client.post("/offer/acceptance", headers=offer)).json()["code"] == "offer_over"
    assert {row["state"] for row in await stored("appointment")} == {"cancelled"}


async def test_an_offer_that_ran_out_is_none(client: httpx.AsyncClient, room: Any, clock: Any) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.joins("Anna")
    await room.cancel(gone)
    await room.round()
    clock.forward(minutes=60)
    shown = (await client.get("/waiting", headers=anna)).json()
    assert (shown["state"], shown["offered_until"]) == ("waiting", None)


async def test_who_accepted_keeps_the_appointment_and_leaving_says_so(
    client: httpx.AsyncClient, room: Any, stored: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.joins("Anna")
    await room.cancel(gone)
    await room.round()
    accepted = await client.post("/offer/acceptance", headers=await room.newest())
    assert accepted.status_code == 200
    assert (await client.get("/waiting", headers=anna)).json()["state"] == "done"
    left = await client.post("/waiting/departure", headers=anna)
    assert (left.status_code, left.json()["state"]) == (200, "done")
    assert await told(stored, BookingErased) == []
    assert "booked" in [row["state"] for row in await stored("appointment")]


async def test_accepting_and_leaving_at_the_same_moment_never_forgets_an_appointment(
    client: httpx.AsyncClient, room: Any, stored: Any
) -> None:
    for minute in range(0, 60, 15):
        gone = await room.book(TEN + timedelta(minutes=minute), "Gone", email=f"gone{minute}@example.org")
        anna = await room.joins("Anna")
        await room.cancel(gone)
        await room.round()
        offer = await room.newest()
        accepted, left = await asyncio.gather(
            client.post("/offer/acceptance", headers=offer), client.post("/waiting/departure", headers=anna)
        )
        assert (accepted.status_code, left.json()["state"]) in [(200, "done"), (409, "left")]
    erased = {event.appointment_id for event in await told(stored, BookingErased)}
    booked = {row["id"] for row in await stored("appointment") if row["state"] == "booked"}
    assert not erased & booked
    assert len(erased) + len(booked) == 4


async def test_leaving_through_an_offer_forgets_as_well(client: httpx.AsyncClient, room: Any, stored: Any) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.joins("Anna")
    await room.cancel(gone)
    await room.round()
    for _ in range(2):
        refused = await client.post("/offer/refusal", headers=await room.newest(), json={"leave_list": True})
        assert refused.status_code == 204
    (erased,) = await told(stored, BookingErased)
    assert erased.appointment_id == (await entry(stored))["id"]
    assert (await client.get("/waiting", headers=anna)).json()["state"] == "left"


async def test_what_is_forgotten_is_gone(
    client: httpx.AsyncClient, app: FastAPI, database: Database, room: Any, stored: Any, clock: Any
) -> None:
    link = await room.joins("Anna")
    await client.post("/waiting/departure", headers=link)
    clock.forward(days=3, seconds=2)
    await worker.erase_what_is_over(app.state.deps.offices, database, clock())
    assert await stored("waiting_entry") == []
    for ask in (client.get("/waiting", headers=link), client.post("/waiting/departure", headers=link)):
        answer = await ask
        assert (answer.status_code, answer.json()["code"]) == (410, "waiting_over")
