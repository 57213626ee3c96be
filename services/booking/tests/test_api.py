"""Booking over HTTP: what a citizen can do with an office and with their link."""

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from booking.settings import Settings
from booking.slots.store import BUSY
from chassis.database import Transaction
from contracts.booking import BookingCancelled, BookingCompleted

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = "2026-06-02T06:00:00Z"
NEXT = "2026-06-02T06:05:00Z"
TUESDAY = {"from": "2026-06-02", "to": "2026-06-02"}


@pytest.fixture(scope="module", params=[True, False], ids=["express", "FastAPI alone"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Both ways of answering busy routes (docs/adr/0020)."""
    return settings.model_copy(update={"express": request.param})


def bearer(booked: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {booked.json()['link'].split('#')[1]}"}


async def slots(client: httpx.AsyncClient, office: str = "heidelberg", **query: Any) -> list[str]:
    answer = await client.get(f"/offices/{office}/slots", params={"services": "fuehrungszeugnis"} | TUESDAY | query)
    assert answer.status_code == 200, answer.text
    return [slot["starts_at"] for slot in answer.json()["slots"]]


async def test_offices_and_what_they_offer(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/offices")).json()
    assert {"slug": "heidelberg", "name": {"de": "Bürgeramt Heidelberg", "en": "Citizens' Office Heidelberg"}} in listed

    office = (await client.get("/offices/heidelberg")).json()
    assert office["opening_hours"][1] == {"weekday": "wed", "opens": "14:00", "closes": "17:30"}
    services = {service["id"]: service for service in office["services"]}
    assert services["fuehrungszeugnis"]["minutes"] == 5
    assert 1300 in [fee["amount_cents"] for fee in services["fuehrungszeugnis"]["fees"]]
    assert services["personalausweis"]["cannot_finish"]["de"]
    assert services["anmeldung"]["fees"] == []
    assert "source" not in services["fuehrungszeugnis"]["fees"][0]
    assert (await client.get("/offices/demo")).json()["opening_hours"][0]["closes"] == "24:00"


@pytest.mark.parametrize(("at", "cents"), [("2026-02-06T22:59:59Z", []), ("2026-02-06T23:00:00Z", [4600, 2760])])
async def test_a_fee_is_shown_from_midnight_at_the_office(
    client: httpx.AsyncClient, clock: Any, at: str, cents: list[int]
) -> None:
    clock.now = datetime.fromisoformat(at)
    services = (await client.get("/offices/heidelberg")).json()["services"]
    (card,) = (service for service in services if service["id"] == "personalausweis")
    assert [fee["amount_cents"] for fee in card["fees"]] == cents


async def test_a_month_of_free_slots_is_one_statement(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    me = asyncio.current_task()
    for name in ("row", "rows", "execute"):
        original = getattr(Transaction, name)

        async def counted(tx: Transaction, sql: str, original: Any = original, **parameters: object) -> Any:
            if asyncio.current_task() is me:  # else a worker's
                asked.append(sql)
            return await original(tx, sql, **parameters)

        monkeypatch.setattr(Transaction, name, counted)
    assert len({slot[:10] for slot in await slots(client, to="2026-06-30")}) > 10
    assert asked == [BUSY]


async def test_free_slots_of_a_day(client: httpx.AsyncClient) -> None:
    query: dict[str, Any] = {"services": ["personalausweis", "anmeldung"], **TUESDAY}
    answer = await client.get("/offices/heidelberg/slots", params=query)
    body = answer.json()
    assert (body["time_zone"], body["minutes"]) == ("Europe/Berlin", 25)
    assert body["slots"][0] == {"starts_at": "2026-06-02T06:00:00Z", "ends_at": "2026-06-02T06:25:00Z"}
    assert body["slots"][-1] == {"starts_at": "2026-06-02T09:35:00Z", "ends_at": "2026-06-02T10:00:00Z"}


async def test_slots_default_to_today_and_the_demo_starts_at_the_next_mark(
    client: httpx.AsyncClient, clock: Any
) -> None:
    clock.forward(seconds=61)
    answer = await client.get("/offices/demo/slots", params={"services": "fuehrungszeugnis"})
    assert answer.json()["slots"][0]["starts_at"] == "2026-06-01T07:05:00Z"


async def test_a_public_holiday_has_no_slots(client: httpx.AsyncClient) -> None:
    assert await slots(client, **{"from": "2026-06-04", "to": "2026-06-04"}) == []  # Fronleichnam in BW


async def test_booking(client: httpx.AsyncClient, book: Any, stored: Any) -> None:
    answer = await book(time_zone="America/New_York")
    assert answer.status_code == 201, answer.text
    booked = answer.json()
    assert booked["reference"].startswith("HD-")
    assert booked["ends_at"] == NEXT
    assert booked["link"].startswith("http://localhost:8080/heidelberg/appointment#ey")

    (row,) = await stored("outbox")
    event = BookingCompleted.model_validate_json(row["body"])
    assert (row["subject"], str(event.appointment_id)) == ("booking.completed.v1", booked["appointment_id"])
    assert (event.citizen.name, event.citizen.time_zone) == ("Erika Mustermann", "America/New_York")
    assert booked["link"].endswith(event.link_token)
    assert event.services[0].options == {"belegart": "N"}

    view = (await client.get("/appointment", headers=bearer(answer))).json()
    assert view["reference"] == booked["reference"]
    assert view["state"] == "booked"
    assert view["cancellable"]
    assert view["joinable_from"] == "2026-06-02T05:45:00Z"
    assert view["services"][0]["name"]["de"] == "Führungszeugnis"


async def test_the_demo_can_be_joined_at_once(client: httpx.AsyncClient, book: Any, clock: Any) -> None:
    answer = await book("demo", starts_at="2026-06-01T07:05:00Z")
    view = (await client.get("/appointment", headers=bearer(answer))).json()
    assert view["joinable_from"] < clock.now.isoformat()


async def test_a_repeated_request_gets_the_same_answer_and_books_once(book: Any, stored: Any) -> None:
    key = uuid4().hex
    first, second = await book(key=key), await book(key=key)
    assert (second.status_code, second.json()) == (201, first.json())
    assert len(await stored("appointment")) == len(await stored("outbox")) == 1


async def test_a_key_is_for_one_request(book: Any) -> None:
    key = uuid4().hex
    await book(key=key)
    answer = await book(key=key, name="Somebody Else")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_refused_request_can_be_repeated_with_its_key(book: Any) -> None:
    key = uuid4().hex
    assert (await book("clerks-1", starts_at=SLOT)).status_code == 201
    assert (await book("clerks-1", key=key, starts_at=SLOT)).status_code == 409
    assert (await book("clerks-1", key=key, starts_at=NEXT)).status_code == 201


async def test_without_a_key_nothing_is_booked(client: httpx.AsyncClient, order: Any, stored: Any) -> None:
    answer = await client.post("/offices/heidelberg/appointments", json=order())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await stored("appointment") == []


async def test_a_taken_slot_comes_with_the_nearest_free_ones(client: httpx.AsyncClient, book: Any, stored: Any) -> None:
    await book("clerks-1", starts_at="2026-06-02T06:05:00Z")
    answer = await book("clerks-1", starts_at="2026-06-02T06:05:00Z")
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    alternatives = [slot["starts_at"] for slot in answer.json()["alternatives"]]
    assert alternatives[:4] == [f"2026-06-02T0{time}:00Z" for time in ("6:10", "6:00", "6:15", "5:55")]
    assert "2026-06-02T06:05:00Z" not in await slots(client, "clerks-1")
    assert len(await stored("outbox")) == 1


async def test_a_longer_appointment_needs_the_whole_time(client: httpx.AsyncClient, book: Any) -> None:
    await book("clerks-1", starts_at="2026-06-02T06:10:00Z")
    services = [{"service_id": "personalausweis"}]
    assert (await book("clerks-1", starts_at="2026-06-02T06:00:00Z", services=services)).status_code == 409
    assert (await book("clerks-1", starts_at="2026-06-02T05:55:00Z", services=services)).status_code == 201


async def test_cancelling(client: httpx.AsyncClient, book: Any, stored: Any, clock: Any) -> None:
    answer = await book("clerks-1", starts_at=SLOT)
    clock.forward(minutes=10)
    cancelled = await client.post("/appointment/cancellation", headers=bearer(answer), json={})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert not cancelled.json()["cancellable"]

    event = BookingCancelled.model_validate_json((await stored("outbox"))[-1]["body"])
    assert (event.reference, event.cancelled_by) == (answer.json()["reference"], "citizen")
    assert SLOT not in await slots(client, "clerks-1")  # first those who wait, then everybody: after a random delay
    clock.forward(minutes=91)
    assert SLOT in await slots(client, "clerks-1")
    assert (await book("clerks-1", starts_at=SLOT)).status_code == 201


async def test_the_link_of_a_cancelled_appointment_is_dead(client: httpx.AsyncClient, book: Any, stored: Any) -> None:
    link = bearer(await book())
    await client.post("/appointment/cancellation", headers=link)
    for request in (client.get("/appointment", headers=link), client.post("/appointment/cancellation", headers=link)):
        answer = await request
        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (
            410,
            "link_expired",
            "cancelled",
        )
    assert len(await stored("outbox")) == 2


async def test_whose_link_was_dead_before_is_not_told_of_the_cancellation_nor_is_anybody_once_it_is_erased(
    client: httpx.AsyncClient, book: Any, database: Any
) -> None:
    old = bearer(await book())
    body = {"starts_at": "2026-06-03T12:00:00Z"}
    moved = await client.post("/appointment/rescheduling", headers=old | {"Idempotency-Key": uuid4().hex}, json=body)
    newest = bearer(moved)
    await client.post("/appointment/cancellation", headers=newest)
    assert (await client.get("/appointment", headers=newest)).json()["reason"] == "cancelled"
    assert "reason" not in (await client.get("/appointment", headers=old)).json()
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.appointment SET erased_at = changed_at")
    assert "reason" not in (await client.get("/appointment", headers=newest)).json()


async def test_opening_the_link_changes_nothing(client: httpx.AsyncClient, book: Any, stored: Any) -> None:
    link = bearer(await book())
    before = await stored("appointment")
    for method in ("GET", "HEAD", "OPTIONS"):
        await client.request(method, "/appointment", headers=link)
        await client.request(method, "/appointment/cancellation", headers=link)
    assert await stored("appointment") == before


async def test_an_appointment_that_began_cannot_be_cancelled(client: httpx.AsyncClient, book: Any, clock: Any) -> None:
    link = bearer(await book())
    clock.forward(days=1)
    answer = await client.post("/appointment/cancellation", headers=link)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")


async def test_holding_and_booking(client: httpx.AsyncClient, book: Any) -> None:
    answer = await client.post("/offices/clerks-1/holds", json={"services": ["fuehrungszeugnis"], "starts_at": SLOT})
    assert answer.status_code == 201
    hold = answer.json()
    assert (hold["ends_at"], hold["expires_at"]) == (NEXT, "2026-06-01T07:05:00Z")

    assert SLOT not in await slots(client, "clerks-1")
    assert SLOT in await slots(client, "clerks-1", hold=hold["hold_id"])
    other = await client.post("/offices/clerks-1/holds", json={"services": ["fuehrungszeugnis"], "starts_at": SLOT})
    assert other.status_code == 409
    assert other.json()["alternatives"][0]["starts_at"] == NEXT
    assert (await book("clerks-1", starts_at=SLOT)).status_code == 409

    assert (await book("clerks-1", starts_at=SLOT, hold_id=hold["hold_id"])).status_code == 201
    gone = await client.post(f"/offices/clerks-1/holds/{hold['hold_id']}/extension")
    assert (gone.status_code, gone.json()["code"]) == (404, "hold_gone")


async def test_a_slow_typist_keeps_the_slot(client: httpx.AsyncClient, book: Any, clock: Any) -> None:
    soon = "2026-06-01T07:05:00Z"
    held = await client.post("/offices/clerks-1/holds", json={"services": ["fuehrungszeugnis"], "starts_at": soon})
    clock.forward(minutes=5, seconds=10)
    late = await book("clerks-1", starts_at=soon)
    assert (late.status_code, late.json()["code"]) == (422, "slot_not_offered")
    assert late.json()["alternatives"]
    assert (await book("clerks-1", starts_at=soon, hold_id=held.json()["hold_id"])).status_code == 201


async def test_a_hold_is_extended_and_given_back(client: httpx.AsyncClient) -> None:
    hold_id = uuid4()
    body = {"services": ["fuehrungszeugnis"], "starts_at": SLOT, "hold_id": str(hold_id)}
    assert UUID((await client.post("/offices/clerks-1/holds", json=body)).json()["hold_id"]) == hold_id
    extended = await client.post(f"/offices/clerks-1/holds/{hold_id}/extension")
    assert extended.status_code == 200
    assert (await client.delete(f"/offices/clerks-1/holds/{hold_id}")).status_code == 204
    assert SLOT in await slots(client, "clerks-1")


async def test_a_hold_of_another_office_or_slot_is_worth_nothing(client: httpx.AsyncClient, book: Any) -> None:
    taken = await client.post("/offices/clerks-1/holds", json={"services": ["fuehrungszeugnis"], "starts_at": SLOT})
    mine = await client.post("/offices/clerks-1/holds", json={"services": ["fuehrungszeugnis"], "starts_at": NEXT})
    assert (taken.status_code, mine.status_code) == (201, 201)
    assert (await book("clerks-1", starts_at=SLOT, hold_id=mine.json()["hold_id"])).status_code == 409
    foreign = await client.post(f"/offices/heidelberg/holds/{mine.json()['hold_id']}/extension")
    assert foreign.status_code == 404


async def test_the_answer_about_a_person_is_never_stored_on_the_way(client: httpx.AsyncClient, book: Any) -> None:
    answer = await book()
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.get("/appointment", headers=bearer(answer))).headers["cache-control"] == "no-store"


async def test_the_event_says_who_acted(book: Any, stored: Any) -> None:
    await book()
    headers = (await stored("outbox"))[0]["headers"]
    assert (headers if isinstance(headers, dict) else json.loads(headers))["ce-actor"] == "citizen"
