"""Fifty clients, one slot: exactly as many win as there are clerks. And what is booked is published, or neither."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from booking.app import build
from booking.appointments import store
from booking.appointments.links import Booked
from booking.appointments.orders import Granted
from booking.offices.model import Wanted
from booking.settings import Settings
from booking.slots.contention import SlotQueues, Target
from booking.slots.model import Slot
from booking.slots.store import BUSY
from chassis.database import Database, Transaction
from contracts.booking import BookedService, BookingCompleted, CitizenContact
from contracts.ids import AppointmentId

pytestmark = pytest.mark.asyncio(loop_scope="module")

START = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
NOW = START - timedelta(days=1)


def completed(starts_at: datetime = START, minutes: int = 15) -> BookingCompleted:
    return BookingCompleted(
        office="demo",
        appointment_id=AppointmentId(uuid4()),
        reference=f"DE-{uuid4().hex[:8]}",
        services=(BookedService(service_id="anmeldung"),),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        citizen=CitizenContact(name="Erika", email="erika@example.org", language="de"),
        link_token="secret",
        link_generation=1,
    )


def granted(event: BookingCompleted) -> Granted:
    return Granted(Booked(event.appointment_id, event.reference, Slot(event.starts_at, event.ends_at), ""), event)


async def put(database: Database, event: BookingCompleted, capacity: int = 1) -> store.Outcome:
    async with database.transaction() as tx:
        return await store.book(tx, granted(event), place(event, capacity), actor="citizen", now=NOW)


async def put_in(tx: Transaction, event: BookingCompleted) -> store.Outcome:
    return await store.book(tx, granted(event), place(event, 1), actor="citizen", now=NOW)


def place(event: BookingCompleted, capacity: int) -> store.Place:
    return store.Place(Slot(event.starts_at, event.ends_at), event.ends_at, range(capacity), version=0)


@pytest.mark.parametrize("capacity", [1, 2, 5])
@pytest.mark.parametrize("round_", range(3))
async def test_fifty_clients_for_one_slot(book: Any, stored: Any, capacity: int, round_: int) -> None:
    starts_at = (START + timedelta(minutes=15 * round_)).isoformat()
    answers = await asyncio.gather(*(book(f"clerks-{capacity}", starts_at=starts_at) for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: capacity, 409: 50 - capacity}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"slot_taken"}
    assert all(answer.json()["alternatives"] for answer in answers if answer.status_code == 409)
    assert sorted(row["lane"] for row in await stored("appointment")) == list(range(capacity))
    assert len(await stored("outbox")) == capacity
    assert len(await stored("idempotent_answers")) == capacity


@pytest.mark.parametrize("capacity", [1, 2, 5])
async def test_holds_and_bookings_compete_without_a_double_booking(
    client: httpx.AsyncClient, book: Any, stored: Any, capacity: int
) -> None:
    office, starts_at = f"clerks-{capacity}", START.isoformat()

    async def hold_and_book() -> int:
        body = {"services": ["fuehrungszeugnis"], "starts_at": starts_at}
        held = await client.post(f"/offices/{office}/holds", json=body)
        if held.status_code != 201:
            return int(held.status_code)
        answer = await book(office, starts_at=starts_at, hold_id=held.json()["hold_id"])
        return int(answer.status_code)

    async def only_book() -> int:
        return int((await book(office, starts_at=starts_at)).status_code)

    codes = await asyncio.gather(*(hold_and_book() if i % 2 else only_book() for i in range(50)))
    won = len(await stored("appointment"))
    assert codes.count(201) == won <= capacity
    assert set(codes) <= {201, 409}


async def test_the_same_request_fifty_times_at_once_books_once(book: Any, stored: Any) -> None:
    key = uuid4().hex
    answers = await asyncio.gather(*(book("demo", key=key, starts_at=START.isoformat()) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await stored("appointment")) == 1


async def test_in_a_rush_who_asks_again_hears_what_they_were_told(book: Any, stored: Any) -> None:
    """Rivals are told in passing that the slot is gone; who has it, and repeats the request among them, is not."""
    key, starts_at = uuid4().hex, START.isoformat()
    first = await book("clerks-1", key=key, starts_at=starts_at)
    queues = [book("clerks-1", key=key if n % 5 == 0 else None, starts_at=starts_at) for n in range(50)]
    answers = await asyncio.gather(*queues)
    assert {answer.text for answer in answers[::5]} == {first.text}
    assert {answer.status_code for n, answer in enumerate(answers) if n % 5} == {409}
    assert len(await stored("appointment")) == 1


async def test_in_a_rush_who_holds_the_slot_gets_it(client: httpx.AsyncClient, book: Any, stored: Any) -> None:
    starts_at = START.isoformat()
    body = {"services": ["fuehrungszeugnis"], "starts_at": starts_at}
    held = (await client.post("/offices/clerks-1/holds", json=body)).json()["hold_id"]
    queues = [book("clerks-1", starts_at=starts_at, hold_id=held if n == 40 else None) for n in range(50)]
    answers = await asyncio.gather(*queues)
    assert [n for n, answer in enumerate(answers) if answer.status_code == 201] == [40]
    assert len(await stored("appointment")) == 1


async def test_in_a_rush_nobody_waits_for_ever(
    app: FastAPI, client: httpx.AsyncClient, order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the pool of connections is used up (F25): those who are inside wait for a database that hangs."""
    monkeypatch.setattr("booking.slots.contention.PATIENCE_SECONDS", 0.05)
    wish, deps = order(starts_at=START.isoformat()), app.state.deps
    length = deps.offices["demo"].length([Wanted("fuehrungszeugnis")])
    queue = deps.calendar.queues.queue(Target("demo", ("fuehrungszeugnis",), Slot(START, START + length)))
    async with AsyncExitStack() as inside:
        for _ in range(4):
            await inside.enter_async_context(queue)
        refused = await client.post("/offices/demo/appointments", json=wish, headers={"Idempotency-Key": uuid4().hex})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    answer = await client.post("/offices/demo/appointments", json=wish, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 201


async def test_a_refusal_is_passed_on_to_those_who_were_there_and_to_nobody_later() -> None:
    """Whoever comes after it asks for themselves: the slot may be free again."""
    queues, slot = SlotQueues(), Slot(START, START + timedelta(minutes=10))
    queue = queues.queue(Target("demo", ("anmeldung",), slot))
    arrival = queue.arrive()
    assert queue.refused_since(arrival) is None
    queue.too_late([slot])
    assert queues.queue(Target("demo", ("anmeldung",), slot)).refused_since(arrival) == [slot]
    assert queue.refused_since(queue.arrive()) is None
    assert queues.queue(Target("demo", ("ausweis",), slot)).refused_since(0) is None


async def test_appointments_of_different_length_never_overlap(database: Database, client: object, stored: Any) -> None:
    async def one(index: int) -> None:
        await put(database, completed(START + timedelta(minutes=5 * (index % 12)), 5 * (1 + index % 5)), capacity=2)

    await asyncio.gather(*(one(index) for index in range(60)))
    rows = sorted(await stored("appointment"), key=lambda row: (row["lane"], row["starts_at"]))
    pairs = [(a, b) for a, b in pairwise(rows) if a["lane"] == b["lane"]]
    assert all(a["ends_at"] <= b["starts_at"] for a, b in pairs)
    assert {row["lane"] for row in rows} == {0, 1}
    # Every refused one really had no room: nothing can be added that fits.
    assert await put(database, completed(START, 60), capacity=2) == "taken"


async def test_the_database_itself_refuses_a_double_booking(database: Database, client: object) -> None:
    insert = """
        INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                 language, link_generation, booked_at, changed_at)
        VALUES (gen_random_uuid(), 'demo', :reference, 0, :start, :end, 'booked', '[]', '', '', 'de', 1, now(), now())
    """
    later = START + timedelta(minutes=5)
    async with database.transaction() as tx:
        await tx.execute(insert, reference="A", start=START, end=later)
        await tx.execute(insert, reference="B", start=later, end=later + timedelta(minutes=5))
    async with database.transaction() as tx:
        with pytest.raises(asyncpg.ExclusionViolationError, match="appointment_no_double_booking"):
            async with tx.savepoint():
                await tx.execute(insert, reference="C", start=START + timedelta(minutes=4), end=later)


async def test_a_reference_that_exists_is_drawn_again(book: Any, stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["DE-222222", "DE-222222", "DE-333333"])
    monkeypatch.setattr("booking.appointments.model.new_reference", lambda prefix: next(drawn))
    answers = [await book("demo", starts_at=START.isoformat()) for _ in range(2)]
    assert [answer.json()["reference"] for answer in answers] == ["DE-222222", "DE-333333"]
    assert len(await stored("outbox")) == 2


async def test_a_failing_transaction_takes_appointment_and_event_with_it(
    database: Database, client: object, stored: Any
) -> None:
    async def book_and_fail() -> None:
        async with database.transaction() as tx:
            assert await put_in(tx, completed()) == "booked"
            raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        await book_and_fail()
    assert await stored("appointment") == await stored("outbox") == []


async def test_without_its_event_there_is_no_appointment(database: Database, book: Any, stored: Any) -> None:
    async with database.transaction() as tx:
        await tx.execute("ALTER TABLE outbox ADD CONSTRAINT disk_full CHECK (false) NOT VALID")
    try:
        assert (await book()).status_code == 500
    finally:
        async with database.transaction() as tx:
            await tx.execute("ALTER TABLE outbox DROP CONSTRAINT disk_full")
    for table in ("appointment", "outbox", "idempotent_answers"):
        assert await stored(table) == []
    assert (await book()).status_code == 201


async def test_a_taken_slot_publishes_nothing(database: Database, client: object, stored: Any) -> None:
    assert [await put(database, completed()), await put(database, completed())] == ["booked", "taken"]
    assert len(await stored("appointment")) == len(await stored("outbox")) == 1


async def test_without_redis_the_database_decides(
    settings: Settings, app: FastAPI, client: object, order: Any, solved: Any
) -> None:
    lost = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    alone = build(lost, clock=app.state.clock)
    alone.state.database = app.state.database
    transport = httpx.ASGITransport(alone, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking/offices/clerks-2") as citizen:
        hold = await citizen.post("/holds", json={"services": ["fuehrungszeugnis"], "starts_at": START.isoformat()})
        assert (hold.status_code, hold.json()["code"]) == (503, "holds_unavailable")
        assert (await citizen.delete(f"/holds/{uuid4()}")).status_code == 204
        slots = await citizen.get("/slots", params={"services": "fuehrungszeugnis", "from": "2026-06-02"})
        assert START.isoformat().replace("+00:00", "Z") in [slot["starts_at"] for slot in slots.json()["slots"]]

        async def book() -> int:
            body = order(starts_at=START.isoformat(), hold_id=str(uuid4()))
            headers = {"Idempotency-Key": uuid4().hex}
            asked = await citizen.post("/appointments", json=body, headers=headers)
            # Nobody can count without Redis, so that everybody works for it.
            assert asked.json()["code"] == "proof_required"
            headers["Proof-Of-Work"] = solved(asked.json()["challenge"])
            return (await citizen.post("/appointments", json=body, headers=headers)).status_code

        codes = await asyncio.gather(*(book() for _ in range(20)))
    assert Counter(codes) == {201: 2, 409: 18}


async def test_free_slots_read_a_range_of_an_index_however_many_appointments_there_are(
    database: Database, client: object
) -> None:
    async with database.transaction() as tx:
        await tx.execute("SET LOCAL synchronous_commit = on")  # VACUUM trusts only commits that are on the disk
        await tx.execute("""
            INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                     language, link_generation, booked_at, changed_at)
            SELECT gen_random_uuid(), 'demo', 'S' || n, 0, at, at + interval '5 minutes', 'booked', '[]', '', '', 'de',
                   1, now(), now()
              FROM generate_series(1, 20000) AS n, LATERAL (SELECT now() + n * interval '5 minutes') AS t (at)
        """)
    async with database.autocommit() as tx:
        await tx.execute("VACUUM (ANALYZE) appointment")  # as autovacuum does
        low = datetime.now(UTC) + timedelta(days=30)
        plan = await tx.rows(f"EXPLAIN {BUSY}", office="demo", low=low, high=low + timedelta(days=1), now=NOW, own=None)
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "appointment_taken" in text, text
    condition = text.split("appointment_taken", 1)[1].split("Index Cond:")[1].splitlines()[0]
    assert "starts_at >" in condition, text
    assert "starts_at <" in condition, text
