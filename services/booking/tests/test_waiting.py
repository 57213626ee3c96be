"""The waiting list: a freed slot is offered to one at a time, who came first first, and then to the public."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.database import Database
from contracts.booking import BookingRescheduled, WaitingEnded

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Tuesday in Berlin. The office "town" has two clerks, quarters of an hour, pauses of five minutes, a lead of thirty.
TEN, ELEVEN, NOON = (datetime(2026, 6, 2, hour, tzinfo=UTC) for hour in (8, 9, 10))
SERVICES = [{"service_id": "anmeldung"}]  # 15 minutes


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.split('#')[-1]}"}


async def test_waiting_is_asked_for_once_and_keeps_its_place(client: httpx.AsyncClient, clock: Any, room: Any) -> None:
    link = await room.book(NOON)
    assert (await client.get("/appointment", headers=link)).json()["waiting"] is None
    first = await client.put("/appointment/waiting", headers=link, json={})
    clock.forward(hours=1)
    again = await client.put("/appointment/waiting", headers=link, json={})
    assert first.json() == again.json() == {"since": "2026-06-01T07:00:00Z"}
    assert (await client.get("/appointment", headers=link)).json()["waiting"] == first.json()
    for _ in range(2):
        assert (await client.delete("/appointment/waiting", headers=link)).status_code == 204
    assert (await client.get("/appointment", headers=link)).json()["waiting"] is None
    assert (await client.put("/appointment/waiting", headers=link)).json() == {"since": "2026-06-01T08:00:00Z"}


async def test_nobody_waits_for_what_has_begun(client: httpx.AsyncClient, clock: Any, room: Any) -> None:
    link = await room.wait(NOON, "Anna")
    clock.now = NOON
    assert (await client.get("/appointment", headers=link)).json()["waiting"] is None
    answer = await client.put("/appointment/waiting", headers=link)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_movable")


async def test_a_freed_slot_is_mailed_to_who_has_waited_longest(
    client: httpx.AsyncClient, stored: Any, clock: Any, room: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    await room.wait(NOON, "Anna", time_zone="Asia/Kathmandu")
    await room.wait(ELEVEN, "Berta")
    await room.cancel(gone)
    await room.round()
    assert await room.offices() == [("Anna", "open")]
    (event,) = await room.mails()
    assert (event.starts_at, event.ends_at) == (TEN, TEN + timedelta(minutes=15))
    assert (event.current_starts_at, event.expires_at) == (NOON, clock.now + timedelta(hours=1))
    assert (event.citizen.email, event.citizen.time_zone) == ("anna@example.org", "Asia/Kathmandu")
    (row,) = (row for row in await stored("outbox") if row["subject"] == "booking.slot_offered.v1")
    headers = row["headers"] if isinstance(row["headers"], dict) else json.loads(row["headers"])
    assert headers["ce-actor"] == "system:booking"
    shown = (await client.get("/offer", headers=await room.newest())).json()
    assert shown["state"] == "open"
    assert (shown["starts_at"], shown["current_starts_at"]) == (iso(TEN), iso(NOON))
    assert shown["services"][0]["name"]["de"] == "Anmeldung"
    assert (shown["office"], shown["language"]) == ("town", "de")


async def test_one_by_one_and_at_last_the_public(clock: Any, book: Any, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    await room.book(TEN, "Other")  # the other clerk is busy then
    for hour, name in ((NOON, "Anna"), (NOON, "Berta")):
        await room.wait(hour, name)
    await room.cancel(gone)
    for count in (1, 2):
        await room.round()
        assert len(await room.offices()) == count
        assert iso(TEN) not in await room.slots()
        assert (await book("town", starts_at=iso(TEN), services=SERVICES)).status_code == 409
        clock.forward(minutes=60)
    await room.round()
    assert await room.offices() == [("Anna", "expired"), ("Berta", "expired")]
    assert iso(TEN) not in await room.slots()  # when it comes back nobody can know: not when an offer runs out
    clock.forward(minutes=90)
    assert iso(TEN) in await room.slots()


async def test_accepting_moves_the_appointment_and_frees_another_slot_for_the_next(
    client: httpx.AsyncClient, stored: Any, room: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.wait(ELEVEN, "Anna")
    await room.wait(NOON, "Berta")
    await room.cancel(gone)
    await room.round()
    accepted = await client.post("/offer/acceptance", headers=await room.newest())
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["starts_at"] == iso(TEN)
    assert (await client.get("/appointment", headers=anna)).status_code == 410
    view = (await client.get("/appointment", headers=bearer(accepted.json()["link"]))).json()
    assert (view["starts_at"], view["waiting"]) == (iso(TEN), None)
    moved = next(row for row in await stored("outbox") if row["subject"] == "booking.rescheduled.v1")
    assert BookingRescheduled.model_validate_json(moved["body"]).rescheduled_by == "waiting_list"
    await room.round()
    assert await room.offices() == [("Anna", "accepted"), ("Berta", "open")]
    assert (await room.mails())[-1].starts_at == ELEVEN
    again = await client.post("/offer/acceptance", headers=await room.newest())
    assert again.json()["starts_at"] == iso(ELEVEN)


async def test_the_same_acceptance_has_the_same_answer_and_one_effect(
    client: httpx.AsyncClient, stored: Any, clock: Any, room: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    await room.wait(NOON, "Anna")
    await room.cancel(gone)
    await room.round()
    link = await room.newest()
    first = await client.post("/offer/acceptance", headers=link)
    clock.forward(hours=2)
    assert (await client.post("/offer/acceptance", headers=link)).json() == first.json()
    assert (await client.get("/offer", headers=link)).json()["state"] == "accepted"
    refusal = await client.post("/offer/refusal", headers=link, json={})
    assert (refusal.status_code, refusal.json()["code"]) == (409, "offer_over")
    assert [row["subject"] for row in await stored("outbox")].count("booking.rescheduled.v1") == 1


async def test_what_was_offered_too_long_ago_is_over(client: httpx.AsyncClient, clock: Any, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.wait(NOON, "Anna")
    await room.cancel(gone)
    await room.round()
    link = await room.newest()
    clock.forward(minutes=60)
    assert (await client.get("/offer", headers=link)).json()["state"] == "expired"
    answer = await client.post("/offer/acceptance", headers=link)
    assert (answer.status_code, answer.json()["code"]) == (409, "offer_over")
    assert (await client.get("/appointment", headers=anna)).json()["starts_at"] == iso(NOON)


async def test_who_refuses_keeps_their_place_and_is_not_asked_about_it_again(
    client: httpx.AsyncClient, room: Any
) -> None:
    early, later = await room.book(TEN, "Gone"), await room.book(ELEVEN, "Later")
    anna = await room.wait(NOON, "Anna")
    await room.wait(NOON, "Berta")
    await room.cancel(early)
    await room.round()
    for _ in range(2):  # twice, as mail programs and fingers do
        assert (await client.post("/offer/refusal", headers=await room.newest(), json={})).status_code == 204
    await room.round()
    assert await room.offices() == [("Anna", "refused"), ("Berta", "open")]
    await room.cancel(later)
    await room.round()
    assert await room.offices() == [("Anna", "refused"), ("Berta", "open"), ("Anna", "open")]
    leaving = await client.post("/offer/refusal", headers=await room.newest(), json={"leave_list": True})
    assert leaving.status_code == 204
    assert (await client.get("/appointment", headers=anna)).json()["waiting"] is None


async def test_who_never_answers_waits_no_longer_and_is_told(
    client: httpx.AsyncClient, clock: Any, room: Any, stored: Any
) -> None:
    anna = await room.wait(NOON + timedelta(hours=3), "Anna")
    for hours in range(3):
        leaving = await room.book(NOON + timedelta(hours=hours), "Gone")
        await room.cancel(leaving)
        await room.round()
        clock.forward(minutes=60)
        await room.round()
    assert await room.offices() == [("Anna", "expired")] * 3
    assert (await client.get("/appointment", headers=anna)).json()["waiting"] is None
    (told,) = [
        WaitingEnded.model_validate_json(row["body"])
        for row in await stored("outbox")
        if row["subject"] == WaitingEnded.SUBJECT
    ]
    assert (told.reason, told.keeps_appointment, told.citizen.email) == ("unanswered", True, "anna@example.org")


async def test_offers_that_ended_before_people_woke_do_not_count(clock: Any, room: Any, stored: Any) -> None:
    clock.now = TEN - timedelta(hours=10)  # midnight in Berlin; the office's day begins with the slot
    await room.wait(NOON + timedelta(hours=3), "Anna")
    for count in range(4):
        leaving = await room.book(TEN + timedelta(minutes=15 * count), "Gone")
        await room.cancel(leaving)
        await room.round()
    clock.now = TEN + timedelta(hours=2)
    await room.round()
    assert WaitingEnded.SUBJECT not in [row["subject"] for row in await stored("outbox")]


async def test_not_earlier_is_not_offered(room: Any) -> None:
    same, later = await room.book(TEN, "Same"), await room.book(NOON, "Later")
    await room.wait(TEN, "Anna")  # with the other clerk
    for link in (same, later):
        await room.cancel(link)
    assert await room.round() == 0
    assert await room.offices() == []


async def test_appointment_and_pause_must_fit(book: Any, room: Any) -> None:
    short = [{"service_id": "fuehrungszeugnis"}]  # 5 minutes and a pause of 5
    gone = await room.book(TEN, "Gone", services=short)
    await room.wait(NOON, "Anna")
    await room.wait(NOON, "Berta", services=short)
    await room.cancel(gone)
    await room.round()
    assert await room.offices() == [("Berta", "open")]


async def test_a_short_appointment_leaves_the_rest_of_a_long_slot_to_the_next(
    client: httpx.AsyncClient, room: Any
) -> None:
    two = [{"service_id": "anmeldung"}, {"service_id": "reisepass"}]
    gone = await room.book(TEN, "Gone", services=two)
    for name in ("Anna", "Berta"):
        await room.wait(NOON + timedelta(hours=1 if name == "Anna" else 2), name)
    await room.cancel(gone)
    await room.round()
    await client.post("/offer/acceptance", headers=await room.newest())
    await room.round()
    assert ("Berta", "open") in await room.offices()
    starts = sorted(mail.starts_at for mail in await room.mails())
    assert starts[0] == TEN
    assert all(b - a >= timedelta(minutes=20) for a, b in pairwise(starts))


async def test_who_gives_a_slot_away_is_not_offered_it(client: httpx.AsyncClient, room: Any) -> None:
    anna = await room.wait(TEN, "Anna")
    key = {"Idempotency-Key": uuid4().hex}
    later = {"starts_at": iso(ELEVEN)}
    moved = await client.post("/appointment/rescheduling", headers=anna | key, json=later)
    link = bearer(moved.json()["link"])
    assert (await client.get("/appointment", headers=link)).json()["waiting"] is None  # they want it later
    await client.put("/appointment/waiting", headers=link)
    assert await room.round() == 0
    assert await room.offices() == []


async def test_who_moves_to_an_earlier_time_waits_on(client: httpx.AsyncClient, room: Any) -> None:
    anna = await room.wait(NOON, "Anna")
    key = {"Idempotency-Key": uuid4().hex}
    moved = await client.post("/appointment/rescheduling", headers=anna | key, json={"starts_at": iso(ELEVEN)})
    link = bearer(moved.json()["link"])
    assert (await client.get("/appointment", headers=link)).json()["waiting"] == {"since": "2026-06-01T07:00:00Z"}


async def test_whom_the_office_moves_to_a_later_time_waits_on(
    client: httpx.AsyncClient, room: Any, stored: Any, clerk_token: Any
) -> None:
    await room.wait(TEN, "Anna")
    (appointment,) = await stored("appointment")
    clerk = {"Authorization": f"Bearer {clerk_token('town', ttl=10**9)}", "Idempotency-Key": uuid4().hex}
    path = f"/office/appointments/{appointment['id']}/rescheduling"
    assert (await client.post(path, headers=clerk, json={"starts_at": iso(NOON)})).status_code == 200
    assert [row["state"] for row in await stored("waiting_entry")] == ["waiting"]
    assert await room.round() == 0  # what they had before is not offered to them
    assert await room.offices() == []
    gone = await room.book(ELEVEN, "Gone")
    await room.cancel(gone)
    await room.round()
    assert await room.offices() == [("Anna", "open")]


async def test_what_is_offered_to_who_cancels_goes_to_the_next(client: httpx.AsyncClient, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.wait(ELEVEN, "Anna")
    await room.wait(NOON, "Berta")
    await room.cancel(gone)
    await room.round()
    link = await room.newest()
    await room.cancel(anna)
    assert (await client.get("/offer", headers=link)).json()["state"] == "expired"
    assert (await client.post("/offer/acceptance", headers=link)).json()["code"] == "offer_over"
    await room.round()
    assert await room.offices() == [("Anna", "expired"), ("Berta", "open")]


async def test_who_stops_waiting_passes_the_offer_on(client: httpx.AsyncClient, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.wait(NOON, "Anna")
    await room.wait(NOON, "Berta")
    await room.cancel(gone)
    await room.round()
    assert (await client.delete("/appointment/waiting", headers=anna)).status_code == 204
    await room.round()
    assert await room.offices() == [("Anna", "refused"), ("Berta", "open")]


async def test_a_clerk_who_fell_ill_serves_nobody_and_who_accepts_goes_on_waiting(
    client: httpx.AsyncClient, database: Database, room: Any
) -> None:
    gone = await room.book(TEN, "Gone")
    anna = await room.wait(NOON, "Anna")
    await room.cancel(gone)
    await room.round()
    async with database.transaction() as tx:
        await tx.execute("""
            INSERT INTO blocked_time (id, office, lane, starts_at, ends_at, reason, created_by, created_at)
            SELECT gen_random_uuid(), office, lane, starts_at, ends_at, 'sick', '', freed_at FROM ours.freed_slot
        """)
    answer = await client.post("/offer/acceptance", headers=await room.newest())
    assert (answer.status_code, answer.json()["code"]) == (409, "offer_over")
    assert (await client.get("/appointment", headers=anna)).json()["starts_at"] == iso(NOON)
    assert (await client.get("/offer", headers=await room.newest())).json()["state"] == "expired"
    assert (await client.get("/appointment", headers=anna)).json()["waiting"] is not None
    await room.wait(NOON, "Berta")
    await room.round()
    assert await room.offices() == [("Anna", "expired")], "nobody is offered the time of the one who is ill"
    another = await room.book(ELEVEN, "Another")
    await room.cancel(another)
    await room.round()
    assert await room.offices() == [("Anna", "expired"), ("Anna", "open")]


async def test_looking_at_an_offer_changes_nothing(client: httpx.AsyncClient, stored: Any, room: Any) -> None:
    gone = await room.book(TEN, "Gone")
    await room.wait(NOON, "Anna")
    await room.cancel(gone)
    await room.round()
    link = await room.newest()
    tables = ("appointment", "waiting_entry", "slot_offer", "freed_slot", "outbox")
    before = [len(await stored(table)) for table in tables], await stored("slot_offer"), await stored("waiting_entry")
    for method in ("GET", "HEAD", "OPTIONS"):
        for path in ("/offer", "/offer/acceptance", "/offer/refusal", "/appointment/waiting"):
            await client.request(method, path, headers=link)
    after = [len(await stored(table)) for table in tables], await stored("slot_offer"), await stored("waiting_entry")
    assert after == before
