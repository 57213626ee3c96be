"""Who waits without an appointment, how many may, and how what is known of them goes again."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from contracts.booking import BookingCompleted

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Tuesday in Berlin. The office "town" has two clerks, quarters of an hour, pauses of five minutes, a lead of thirty.
TEN, ELEVEN, NOON = (datetime(2026, 6, 2, hour, tzinfo=UTC) for hour in (8, 9, 10))
SERVICES = [{"service_id": "anmeldung"}]  # 15 minutes


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.split('#')[-1]}"}


async def test_waiting_without_an_appointment_ends_in_one(
    client: httpx.AsyncClient, stored: Any, order: Any, room: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    wish = order(starts_at=None, services=SERVICES, name="Anna", needs=["interpreter"], last="2026-06-05")
    joined = await client.post("/offices/town/waiting-list", json=wish)
    assert joined.status_code == 201, joined.text
    await room.cancel(gone)
    await room.round()
    (mail,) = await room.mails()
    assert (mail.current_starts_at, mail.starts_at) == (None, TEN)
    accepted = await client.post("/offer/acceptance", headers=await room.newest())
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["appointment_id"] == str(mail.appointment_id)
    completed = [row for row in await stored("outbox") if row["subject"] == "booking.completed.v1"][-1]
    event = BookingCompleted.model_validate_json(completed["body"])
    assert (event.channel, event.citizen.name, event.needs) == ("waiting_list", "Anna", ("interpreter",))
    (entry,) = await stored("waiting_entry")
    assert (entry["state"], entry["name"], entry["email"], entry["needs"]) == ("done", None, None, None)


async def test_only_days_that_one_can_come(client: httpx.AsyncClient, order: Any, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    join = "/offices/town/waiting-list"
    for name, days in (("Anna", {"first": "2026-06-03"}), ("Berta", {"first": "2026-06-02", "last": "2026-06-02"})):
        wish = order(starts_at=None, services=SERVICES, name=name, **days)
        assert (await client.post(join, json=wish)).status_code == 201
    for days, code in (
        ({"last": "2026-05-31"}, "days_invalid"),
        ({"first": "2027-01-01"}, "days_invalid"),
        ({"first": "2026-06-04", "last": "2026-06-03"}, "invalid_request"),
    ):
        refused = await client.post(join, json=order(starts_at=None, **days))
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    await room.cancel(gone)
    await room.round()
    assert await room.offices() == [("Berta", "open")]


async def test_entries_count_like_appointments_and_a_repetition_counts_once(
    client: httpx.AsyncClient, app: FastAPI, order: Any, stored: Any, room: Any
) -> None:
    limit = app.state.deps.offices["town"].office.booking.max_open_per_email
    await room.book(TEN, "Erika")
    key = {"Idempotency-Key": uuid4().hex}
    wish = order(starts_at=None)
    answers = [await client.post("/offices/town/waiting-list", json=wish, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    answers = [await client.post("/offices/town/waiting-list", json=wish) for _ in range(limit)]
    assert [answer.status_code for answer in answers] == [201] * (limit - 2) + [429] * 2
    assert {answer.json()["code"] for answer in answers[-2:]} == {"proof_required"}
    assert len(await stored("waiting_entry")) == limit - 1


async def test_erasing_and_asking_what_is_stored(client: httpx.AsyncClient, stored: Any, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.wait(NOON, "Anna")
    data = await client.get("/appointment/data", headers=anna)
    assert data.json()["waiting_since"] == "2026-06-01T07:00:00Z"
    await room.cancel(gone)
    await room.round()
    link = await room.newest()
    assert (await client.post("/appointment/erasure", headers=anna)).status_code == 204
    assert await stored("waiting_entry") == await stored("slot_offer") == []
    assert (await client.get("/offer", headers=link)).json()["code"] == "offer_unknown"


async def test_one_address_has_one_offer_at_a_time(client: httpx.AsyncClient, order: Any, room: Any) -> None:
    leaving = [await room.book(at, f"Gone{n}") for n, at in enumerate((TEN, ELEVEN))]
    await room.wait(NOON, "Anna", email="ERIKA@example.org")
    joined = await client.post("/offices/town/waiting-list", json=order(starts_at=None, name="Berta"))
    assert joined.status_code == 201
    for link in leaving:
        await room.cancel(link)
    await room.round()
    assert await room.offices() == [("Anna", "open")]
    await client.post("/offer/refusal", headers=await room.newest())
    await room.round()
    first, second = await room.offices()  # one of the two slots, to one of the two
    assert (first, second[1]) == (("Anna", "refused"), "open")
