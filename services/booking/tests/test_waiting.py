"""The waiting list: a freed slot is offered to one at a time, who came first first, and then to the public."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from booking.waiting import offering
from chassis.database import Database
from contracts.booking import BookingCompleted, BookingRescheduled, SlotOffered

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Tuesday in Berlin. The office "town" has two clerks, quarters of an hour, pauses of five minutes, a lead of thirty.
NINE, TEN, ELEVEN, NOON = (datetime(2026, 6, 2, hour, tzinfo=UTC) for hour in (7, 8, 9, 10))
SERVICES = [{"service_id": "anmeldung"}]  # 15 minutes

Round = Callable[[], Awaitable[int]]


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.split('#')[-1]}"}


@pytest.fixture
def citizen(book: Any) -> Callable[..., Awaitable[dict[str, str]]]:
    """`await citizen(TEN)`: books there in town; the headers of the link's holder."""

    async def come(at: datetime, name: str = "Erika", **changes: Any) -> dict[str, str]:
        changes = {"services": SERVICES, "email": f"{name.lower()}@example.org"} | changes
        answer = await book("town", starts_at=iso(at), name=name, **changes)
        assert answer.status_code == 201, answer.text
        return bearer(answer.json()["link"])

    return come


@pytest.fixture
def waiter(client: httpx.AsyncClient, citizen: Any, clock: Any) -> Callable[..., Awaitable[dict[str, str]]]:
    """`await waiter(NOON, "Anna")`: books, and waits for something earlier; a second after who did so before."""

    async def come(at: datetime, name: str, **changes: Any) -> dict[str, str]:
        link: dict[str, str] = await citizen(at, name, **changes)
        assert (await client.put("/appointment/waiting", headers=link, json={})).status_code == 200
        clock.forward(seconds=1)
        return link

    return come


@pytest.fixture
def round_(app: FastAPI, database: Database, clock: Any) -> Round:
    """What the worker does when it is woken; the worker itself may have done it already."""

    async def go() -> int:
        desk = app.state.desk
        return await offering.go_round(desk, database, desk.offers["town"], clock())

    return go


@pytest.fixture
def offers(stored: Any) -> Callable[[], Awaitable[list[tuple[str, str]]]]:
    """`await offers()`: who was offered a slot, in this order, and what came of it."""

    async def read() -> list[tuple[str, str]]:
        names = {row["appointment_id"]: row["name"] for row in await mails(stored)}
        rows = sorted(await stored("slot_offer"), key=lambda row: row["offered_at"])
        return [(names[row["appointment_id"]], row["state"]) for row in rows]

    return read


async def mails(stored: Any) -> list[dict[str, Any]]:
    """The offers that notify is to mail, oldest first."""
    rows = [row for row in await stored("outbox") if row["subject"] == "booking.slot_offered.v1"]
    events = [SlotOffered.model_validate_json(row["body"]) for row in sorted(rows, key=lambda row: row["id"])]
    return [dict(event) | {"name": event.citizen.name, "event": event} for event in events]


async def newest(stored: Any) -> dict[str, str]:
    """The link of the newest offer."""
    return bearer((await mails(stored))[-1]["offer_token"])


async def cancel(client: httpx.AsyncClient, link: dict[str, str]) -> None:
    assert (await client.post("/appointment/cancellation", headers=link)).status_code == 200


async def slots(client: httpx.AsyncClient) -> list[str]:
    query = {"services": "anmeldung", "from": "2026-06-02", "to": "2026-06-02"}
    return [slot["starts_at"] for slot in (await client.get("/offices/town/slots", params=query)).json()["slots"]]


async def fill(book: Any, *starts: datetime) -> None:
    """The other clerk is busy then: what is free there would not need to be waited for."""
    for at in starts:
        await book("town", starts_at=iso(at), services=SERVICES, name="Other", email="other@example.org")


async def test_waiting_is_asked_for_once_and_keeps_its_place(
    client: httpx.AsyncClient, citizen: Any, clock: Any
) -> None:
    link = await citizen(NOON)
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


async def test_nobody_waits_for_what_has_begun(client: httpx.AsyncClient, waiter: Any, clock: Any) -> None:
    link = await waiter(NOON, "Anna")
    clock.now = NOON
    assert (await client.get("/appointment", headers=link)).json()["waiting"] is None
    answer = await client.put("/appointment/waiting", headers=link)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_movable")


async def test_a_freed_slot_is_mailed_to_who_has_waited_longest(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, stored: Any, clock: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    await waiter(NOON, "Anna", time_zone="Asia/Kathmandu")
    await waiter(ELEVEN, "Berta")
    await cancel(client, gone)
    await round_()
    assert await offers() == [("Anna", "open")]
    (mail,) = await mails(stored)
    event: SlotOffered = mail["event"]
    assert (event.starts_at, event.ends_at) == (TEN, TEN + timedelta(minutes=15))
    assert (event.current_starts_at, event.expires_at) == (NOON, clock.now + timedelta(hours=1))
    assert (event.citizen.email, event.citizen.time_zone) == ("anna@example.org", "Asia/Kathmandu")
    (row,) = (row for row in await stored("outbox") if row["subject"] == "booking.slot_offered.v1")
    headers = row["headers"] if isinstance(row["headers"], dict) else json.loads(row["headers"])
    assert headers["ce-actor"] == "system:booking"
    shown = (await client.get("/offer", headers=await newest(stored))).json()
    assert shown["state"] == "open"
    assert (shown["starts_at"], shown["current_starts_at"]) == (iso(TEN), iso(NOON))
    assert shown["services"][0]["name"]["de"] == "Anmeldung"
    assert (shown["office"], shown["language"]) == ("town", "de")


async def test_one_by_one_and_at_last_the_public(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, clock: Any, book: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    await fill(book, TEN)
    for hour, name in ((NOON, "Anna"), (NOON, "Berta")):
        await waiter(hour, name)
    await cancel(client, gone)
    for count in (1, 2):
        await round_()
        assert len(await offers()) == count
        assert iso(TEN) not in await slots(client)
        assert (await book("town", starts_at=iso(TEN), services=SERVICES)).status_code == 409
        clock.forward(minutes=60)
    await round_()
    assert await offers() == [("Anna", "expired"), ("Berta", "expired")]
    assert iso(TEN) not in await slots(client)  # when it comes back nobody can know: not when an offer runs out
    clock.forward(minutes=90)
    assert iso(TEN) in await slots(client)


async def test_accepting_moves_the_appointment_and_frees_another_slot_for_the_next(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, stored: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    anna = await waiter(ELEVEN, "Anna")
    await waiter(NOON, "Berta")
    await cancel(client, gone)
    await round_()
    accepted = await client.post("/offer/acceptance", headers=await newest(stored))
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["starts_at"] == iso(TEN)
    assert (await client.get("/appointment", headers=anna)).status_code == 410
    view = (await client.get("/appointment", headers=bearer(accepted.json()["link"]))).json()
    assert (view["starts_at"], view["waiting"]) == (iso(TEN), None)
    moved = next(row for row in await stored("outbox") if row["subject"] == "booking.rescheduled.v1")
    assert BookingRescheduled.model_validate_json(moved["body"]).rescheduled_by == "waiting_list"
    await round_()
    assert await offers() == [("Anna", "accepted"), ("Berta", "open")]
    assert (await mails(stored))[-1]["starts_at"] == ELEVEN
    again = await client.post("/offer/acceptance", headers=await newest(stored))
    assert again.json()["starts_at"] == iso(ELEVEN)


async def test_the_same_acceptance_has_the_same_answer_and_one_effect(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, stored: Any, clock: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    await waiter(NOON, "Anna")
    await cancel(client, gone)
    await round_()
    link = await newest(stored)
    first = await client.post("/offer/acceptance", headers=link)
    clock.forward(hours=2)
    assert (await client.post("/offer/acceptance", headers=link)).json() == first.json()
    assert (await client.get("/offer", headers=link)).json()["state"] == "accepted"
    refusal = await client.post("/offer/refusal", headers=link, json={})
    assert (refusal.status_code, refusal.json()["code"]) == (409, "offer_over")
    assert [row["subject"] for row in await stored("outbox")].count("booking.rescheduled.v1") == 1


async def test_what_was_offered_too_long_ago_is_over(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, stored: Any, clock: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    anna = await waiter(NOON, "Anna")
    await cancel(client, gone)
    await round_()
    link = await newest(stored)
    clock.forward(minutes=60)
    assert (await client.get("/offer", headers=link)).json()["state"] == "expired"
    answer = await client.post("/offer/acceptance", headers=link)
    assert (answer.status_code, answer.json()["code"]) == (409, "offer_over")
    assert (await client.get("/appointment", headers=anna)).json()["starts_at"] == iso(NOON)


async def test_who_refuses_keeps_their_place_and_is_not_asked_about_it_again(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, stored: Any
) -> None:
    early, later = await citizen(TEN, "Gone"), await citizen(ELEVEN, "Later")
    anna = await waiter(NOON, "Anna")
    await waiter(NOON, "Berta")
    await cancel(client, early)
    await round_()
    for _ in range(2):  # twice, as mail programs and fingers do
        assert (await client.post("/offer/refusal", headers=await newest(stored), json={})).status_code == 204
    await round_()
    assert await offers() == [("Anna", "refused"), ("Berta", "open")]
    await cancel(client, later)
    await round_()
    assert await offers() == [("Anna", "refused"), ("Berta", "open"), ("Anna", "open")]
    leaving = await client.post("/offer/refusal", headers=await newest(stored), json={"leave_list": True})
    assert leaving.status_code == 204
    assert (await client.get("/appointment", headers=anna)).json()["waiting"] is None


async def test_who_never_answers_waits_no_longer(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, clock: Any
) -> None:
    anna = await waiter(NOON + timedelta(hours=3), "Anna")
    for hours in range(3):
        leaving = await citizen(NOON + timedelta(hours=hours), "Gone")
        await cancel(client, leaving)
        await round_()
        clock.forward(minutes=60)
        await round_()
    assert await offers() == [("Anna", "expired")] * 3
    assert (await client.get("/appointment", headers=anna)).json()["waiting"] is None


async def test_not_earlier_is_not_offered(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any
) -> None:
    same, later = await citizen(TEN, "Same"), await citizen(NOON, "Later")
    await waiter(TEN, "Anna")  # with the other clerk
    for link in (same, later):
        await cancel(client, link)
    assert await round_() == 0
    assert await offers() == []


async def test_appointment_and_pause_must_fit(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, book: Any
) -> None:
    short = [{"service_id": "fuehrungszeugnis"}]  # 5 minutes and a pause of 5
    gone = await citizen(TEN, "Gone", services=short)
    await waiter(NOON, "Anna")
    await waiter(NOON, "Berta", services=short)
    await cancel(client, gone)
    await round_()
    assert await offers() == [("Berta", "open")]


async def test_a_short_appointment_leaves_the_rest_of_a_long_slot_to_the_next(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, stored: Any
) -> None:
    two = [{"service_id": "anmeldung"}, {"service_id": "reisepass"}]
    gone = await citizen(TEN, "Gone", services=two)
    for name in ("Anna", "Berta"):
        await waiter(NOON + timedelta(hours=1 if name == "Anna" else 2), name)
    await cancel(client, gone)
    await round_()
    await client.post("/offer/acceptance", headers=await newest(stored))
    await round_()
    assert ("Berta", "open") in await offers()
    starts = sorted(row["starts_at"] for row in await mails(stored))
    assert starts[0] == TEN
    assert all(b - a >= timedelta(minutes=20) for a, b in pairwise(starts))


async def test_who_gives_a_slot_away_is_not_offered_it(
    client: httpx.AsyncClient, waiter: Any, round_: Round, offers: Any, stored: Any
) -> None:
    anna = await waiter(TEN, "Anna")
    key = {"Idempotency-Key": uuid4().hex}
    later = {"starts_at": iso(ELEVEN)}
    moved = await client.post("/appointment/rescheduling", headers=anna | key, json=later)
    link = bearer(moved.json()["link"])
    assert (await client.get("/appointment", headers=link)).json()["waiting"] is None  # they want it later
    await client.put("/appointment/waiting", headers=link)
    assert await round_() == 0
    assert await offers() == []


async def test_who_moves_to_an_earlier_time_waits_on(client: httpx.AsyncClient, waiter: Any) -> None:
    anna = await waiter(NOON, "Anna")
    key = {"Idempotency-Key": uuid4().hex}
    moved = await client.post("/appointment/rescheduling", headers=anna | key, json={"starts_at": iso(ELEVEN)})
    link = bearer(moved.json()["link"])
    assert (await client.get("/appointment", headers=link)).json()["waiting"] == {"since": "2026-06-01T07:00:00Z"}


async def test_what_is_offered_to_who_cancels_goes_to_the_next(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, stored: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    anna = await waiter(ELEVEN, "Anna")
    await waiter(NOON, "Berta")
    await cancel(client, gone)
    await round_()
    link = await newest(stored)
    await cancel(client, anna)
    assert (await client.get("/offer", headers=link)).json()["state"] == "expired"
    assert (await client.post("/offer/acceptance", headers=link)).json()["code"] == "offer_over"
    await round_()
    assert await offers() == [("Anna", "expired"), ("Berta", "open")]


async def test_who_stops_waiting_passes_the_offer_on(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    anna = await waiter(NOON, "Anna")
    await waiter(NOON, "Berta")
    await cancel(client, gone)
    await round_()
    assert (await client.delete("/appointment/waiting", headers=anna)).status_code == 204
    await round_()
    assert await offers() == [("Anna", "refused"), ("Berta", "open")]


async def test_a_clerk_who_fell_ill_serves_nobody(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, offers: Any, stored: Any, database: Database
) -> None:
    gone = await citizen(TEN, "Gone")
    anna = await waiter(NOON, "Anna")
    await cancel(client, gone)
    await round_()
    async with database.transaction() as tx:
        await tx.execute("""
            INSERT INTO blocked_time (id, office, lane, starts_at, ends_at, reason, created_by, created_at)
            SELECT gen_random_uuid(), office, lane, starts_at, ends_at, 'sick', '', freed_at FROM freed_slot
        """)
    answer = await client.post("/offer/acceptance", headers=await newest(stored))
    assert (answer.status_code, answer.json()["code"]) == (409, "offer_over")
    assert (await client.get("/appointment", headers=anna)).json()["starts_at"] == iso(NOON)
    await client.post("/offer/refusal", headers=await newest(stored), json={})
    await waiter(NOON, "Berta")
    await round_()
    assert await offers() == [("Anna", "refused")]


async def test_looking_at_an_offer_changes_nothing(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, stored: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    await waiter(NOON, "Anna")
    await cancel(client, gone)
    await round_()
    link = await newest(stored)
    tables = ("appointment", "waiting_entry", "slot_offer", "freed_slot", "outbox")
    before = [len(await stored(table)) for table in tables], await stored("slot_offer"), await stored("waiting_entry")
    for method in ("GET", "HEAD", "OPTIONS"):
        for path in ("/offer", "/offer/acceptance", "/offer/refusal", "/appointment/waiting"):
            await client.request(method, path, headers=link)
    after = [len(await stored(table)) for table in tables], await stored("slot_offer"), await stored("waiting_entry")
    assert after == before


async def test_waiting_without_an_appointment_ends_in_one(
    client: httpx.AsyncClient, citizen: Any, round_: Round, stored: Any, order: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    wish = order(starts_at=None, services=SERVICES, name="Anna", needs=["interpreter"], last="2026-06-05")
    joined = await client.post("/offices/town/waiting-list", json=wish)
    assert joined.status_code == 201, joined.text
    await cancel(client, gone)
    await round_()
    (mail,) = await mails(stored)
    assert (mail["current_starts_at"], mail["starts_at"]) == (None, TEN)
    accepted = await client.post("/offer/acceptance", headers=await newest(stored))
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["appointment_id"] == str(mail["appointment_id"])
    completed = [row for row in await stored("outbox") if row["subject"] == "booking.completed.v1"][-1]
    event = BookingCompleted.model_validate_json(completed["body"])
    assert (event.channel, event.citizen.name, event.needs) == ("waiting_list", "Anna", ("interpreter",))
    (entry,) = await stored("waiting_entry")
    assert (entry["state"], entry["name"], entry["email"], entry["needs"]) == ("done", None, None, None)


async def test_only_days_that_one_can_come(
    client: httpx.AsyncClient, citizen: Any, round_: Round, offers: Any, order: Any
) -> None:
    gone = await citizen(TEN, "Gone")
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
    await cancel(client, gone)
    await round_()
    assert await offers() == [("Berta", "open")]


async def test_entries_count_like_appointments_and_a_repetition_counts_once(
    client: httpx.AsyncClient, app: FastAPI, citizen: Any, order: Any, stored: Any
) -> None:
    limit = app.state.desk.offers["town"].office.booking.max_open_per_email
    await citizen(TEN, "Erika")
    key = {"Idempotency-Key": uuid4().hex}
    wish = order(starts_at=None)
    answers = [await client.post("/offices/town/waiting-list", json=wish, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    codes = [(await client.post("/offices/town/waiting-list", json=wish)).status_code for _ in range(limit)]
    assert codes == [201] * (limit - 2) + [429] * 2
    assert len(await stored("waiting_entry")) == limit - 1


async def test_erasing_and_asking_what_is_stored(
    client: httpx.AsyncClient, citizen: Any, waiter: Any, round_: Round, stored: Any
) -> None:
    gone = await citizen(TEN, "Gone")
    anna = await waiter(NOON, "Anna")
    data = await client.get("/appointment/data", headers=anna)
    assert data.json()["waiting_since"] == "2026-06-01T07:00:00Z"
    await cancel(client, gone)
    await round_()
    link = await newest(stored)
    assert (await client.post("/appointment/erasure", headers=anna)).status_code == 204
    assert await stored("waiting_entry") == await stored("slot_offer") == []
    assert (await client.get("/offer", headers=link)).json()["code"] == "offer_unknown"
