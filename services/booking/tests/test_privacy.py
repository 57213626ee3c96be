"""What is stored about a citizen can be seen and erased by whoever holds the link (GDPR Art. 15 and 17)."""

from typing import Any

import httpx
import icalendar
import pytest

from contracts.booking import calendar_uid

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERSON = {"name": "Erika Mustermann", "email": "erika@example.org", "phone": "+496221580000"}


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['link'].split('#')[1]}"}


async def test_everything_stored_is_handed_out(client: httpx.AsyncClient, book: Any) -> None:
    booked = await book(**PERSON, needs=["sign_language_interpreter"], time_zone="Asia/Kathmandu", plain_language=True)
    answer = await client.get("/appointment/data", headers=bearer(booked))
    assert answer.headers["content-disposition"].startswith("attachment")
    data = answer.json()
    assert {key: data[key] for key in PERSON} == PERSON
    assert data["plain_language"] is True
    assert (data["needs"], data["time_zone"]) == (["sign_language_interpreter"], "Asia/Kathmandu")
    assert {entry["part"] for entry in data["elsewhere"]} == {"casework", "payment", "notify", "signaling"}


async def test_erasing_cancels_what_is_to_come_and_leaves_no_person(
    client: httpx.AsyncClient, book: Any, stored: Any
) -> None:
    booked = await book(**PERSON, needs=["companion"])
    assert (await client.post("/appointment/erasure", headers=bearer(booked))).status_code == 204
    (row,) = await stored("appointment")
    assert row["state"] == "cancelled"
    assert row["erased_at"]
    assert not any(str(value) in str(row) for value in PERSON.values())
    assert "belegart" not in str(row["services"])
    assert [event["subject"] for event in await stored("outbox")] == [
        "booking.completed.v1",
        "booking.cancelled.v1",
        "booking.erased.v1",
    ]
    assert (await client.get("/appointment/data", headers=bearer(booked))).json()["code"] == "link_expired"


async def test_while_a_clerk_waits_nothing_is_erased(
    client: httpx.AsyncClient, book: Any, stored: Any, clock: Any
) -> None:
    booked = await book()
    clock.forward(hours=23, minutes=1)  # it has begun
    answer = await client.post("/appointment/erasure", headers=bearer(booked))
    assert (answer.status_code, answer.json()["code"]) == (409, "erasure_later")
    assert (await stored("appointment"))[0]["name"] == "Erika Mustermann"


async def test_the_calendar_entry_is_the_one_of_the_mail(client: httpx.AsyncClient, book: Any) -> None:
    booked = await book(time_zone="America/New_York")
    answer = await client.get("/appointment/calendar", headers=bearer(booked))
    assert answer.headers["content-type"].startswith("text/calendar")
    (event,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert event["UID"] == calendar_uid(booked.json()["appointment_id"])
    assert event.decoded("DTSTART").isoformat() == "2026-06-02T08:00:00+02:00"
    assert "Führungszeugnis" in str(event["SUMMARY"])
    assert (event["URL"], event["STATUS"], event["SEQUENCE"]) == (booked.json()["link"], "CONFIRMED", 0)
