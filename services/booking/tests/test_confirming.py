"""Where an office has addresses confirmed, nothing stands until the mailbox has said yes."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from booking.app import build
from booking.confirming import worker
from booking.confirming.model import MAX_MAILS
from booking.consumers import CONSUMERS
from booking.retention.worker import erase_what_is_over
from chassis.consumer import process
from chassis.database import Database
from contracts.booking import BookingCompleted, BookingErased, ConfirmationAsked
from contracts.notify import Failed
from contracts.topology import durable

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFICE = "careful"
START = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
WRONG, RIGHT = "amelie@gmial.com", "amelie@gmail.com"


@pytest.fixture(scope="module")
def by_hand() -> Iterator[None]:
    """The worker rests: these tests do its work when they mean to."""

    async def rest(*_: object) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("booking.app.confirming.run", rest)
        yield


class Reserving:
    """Somebody books at an office that has addresses confirmed, and reads the mails that follow."""

    def __init__(self, client: httpx.AsyncClient, book: Any, stored: Any) -> None:
        self._client, self._book, self._stored = client, book, stored

    async def book(self, **changes: Any) -> dict[str, Any]:
        answer = await self._book(OFFICE, **({"email": WRONG, "name": "Amélie", "phone": "06221 58000"} | changes))
        assert answer.status_code == 201, answer.text
        booked: dict[str, Any] = answer.json()
        return booked

    async def told(self) -> list[str]:
        return [row["subject"] for row in await self._stored("outbox")]

    async def questions(self) -> list[ConfirmationAsked]:
        rows = [row for row in await self._stored("outbox") if row["subject"] == ConfirmationAsked.SUBJECT]
        return [ConfirmationAsked.model_validate_json(row["body"]) for row in rows]

    async def confirm(self, question: ConfirmationAsked) -> httpx.Response:
        return await self._client.post("/confirmation", headers=_bearer(question.confirm_token))

    async def look(self, booked: dict[str, Any]) -> httpx.Response:
        return await self._client.get("/reservation", headers=_bearer(booked["link"]))

    async def mail(self, booked: dict[str, Any], key: str = "", **body: str) -> httpx.Response:
        headers = _bearer(booked["link"]) | {"Idempotency-Key": key or uuid4().hex}
        return await self._client.post("/reservation/mail", headers=headers, json=body)

    async def slots(self) -> list[str]:
        query = {"services": "fuehrungszeugnis", "from": "2026-06-02", "to": "2026-06-02"}
        answer = await self._client.get(f"/offices/{OFFICE}/slots", params=query)
        return [slot["starts_at"] for slot in answer.json()["slots"]]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.split('#')[-1]}"}


@pytest.fixture
def reserving(client: httpx.AsyncClient, book: Any, stored: Any) -> Reserving:
    return Reserving(client, book, stored)


@pytest.fixture
def free(app: FastAPI, database: Database, clock: Any) -> Callable[[], Any]:
    """`await free()`: what the worker does every few seconds."""
    return lambda: worker.free(app.state.deps, database, clock())


async def test_until_the_yes_the_time_is_taken_and_one_question_is_all_that_is_told(
    client: httpx.AsyncClient, reserving: Reserving, stored: Any, signed_in: Any
) -> None:
    booked = await reserving.book()
    assert booked["confirm_by"] == "2026-06-01T07:30:00Z"
    assert f"/{OFFICE}/reserved#" in booked["link"]
    assert await reserving.told() == [ConfirmationAsked.SUBJECT]
    (question,) = await reserving.questions()
    assert (question.citizen.email, question.citizen.name, question.citizen.phone) == (WRONG, "", None)
    assert "2026-06-02T06:00:00Z" not in await reserving.slots()
    # No clerk sees an appointment, in whatever list.
    week = (await client.get("/office/week?day=2026-06-02", headers=signed_in("lead", OFFICE))).json()
    assert [lane["appointments"] for day in week["days"] for lane in day["lanes"] if lane["appointments"]] == []
    # Only that the time is taken, and until when; not by whom.
    kept = {"starts_at": "2026-06-02T06:00:00Z", "ends_at": "2026-06-02T06:05:00Z", "confirm_by": booked["confirm_by"]}
    assert [lane["provisional"] for lane in week["days"][1]["lanes"]] == [[kept]]
    assert sum(day["booked_minutes"] for day in week["days"]) == 0
    path = f"/office/appointments/{booked['appointment_id']}"
    assert (await client.get(path, headers=signed_in("lead", OFFICE))).status_code == 404
    query = "from=2026-06-01&to=2026-06-07"
    counted = (await client.get(f"/office/statistics?{query}", headers=signed_in("lead", OFFICE))).json()
    assert {row["booked"] for row in counted["weeks"]} == {0}
    # An editing lead is told of no conflict, and a mass move moves nobody.
    moved = {"lane": 0, "from": "2026-06-02T00:00:00Z", "to": "2026-06-03T00:00:00Z", "dry_run": True}
    plan = await client.post("/office/moves", headers=signed_in("lead", OFFICE), json=moved)
    assert plan.status_code == 200, plan.text
    assert [*plan.json()["kept_time"], *plan.json()["moved"], *plan.json()["left"]] == []


async def test_nobody_else_gets_the_time(book: Any, reserving: Reserving) -> None:
    await reserving.book()
    other = await book(OFFICE, email="berta@example.org")
    assert (other.status_code, other.json()["code"]) == (409, "slot_taken")


async def test_looking_confirms_nothing(client: httpx.AsyncClient, reserving: Reserving) -> None:
    await reserving.book()
    (question,) = await reserving.questions()
    for method in ("GET", "HEAD", "OPTIONS"):
        await client.request(method, "/confirmation", headers=_bearer(question.confirm_token))
    seen = (await client.get("/confirmation", headers=_bearer(question.confirm_token))).json()
    assert seen == {
        "office": OFFICE,
        "state": "kept",
        "starts_at": "2026-06-02T06:00:00Z",
        "ends_at": "2026-06-02T06:05:00Z",
        "confirm_by": "2026-06-01T07:30:00Z",
        "language": "de",
        "link": None,
    }
    assert BookingCompleted.SUBJECT not in await reserving.told()


async def test_with_the_yes_everything_happens_as_with_any_booking_and_once(
    client: httpx.AsyncClient, reserving: Reserving, stored: Any
) -> None:
    booked = await reserving.book(needs=["interpreter"], plain_language=True)
    (question,) = await reserving.questions()
    answers = await asyncio.gather(*(reserving.confirm(question) for _ in range(5)))
    assert {(answer.status_code, answer.json()["state"]) for answer in answers} == {(200, "confirmed")}
    assert (await reserving.told()).count(BookingCompleted.SUBJECT) == 1
    (row,) = [row for row in await stored("outbox") if row["subject"] == BookingCompleted.SUBJECT]
    event = BookingCompleted.model_validate_json(row["body"])
    assert (event.reference, event.channel, event.needs) == (booked["reference"], "citizen", ("interpreter",))
    assert (event.citizen.name, event.citizen.phone, event.citizen.plain_language) == ("Amélie", "+49622158000", True)
    for link in (event.link_token, answers[0].json()["link"]):
        shown = await client.get("/appointment", headers=_bearer(link))
        assert (shown.status_code, shown.json()["state"]) == (200, "booked")
    seen = (await reserving.look(booked)).json()
    assert (seen["state"], seen["email"], seen["mails_left"]) == ("confirmed", None, 0)


async def test_who_has_booked_does_not_get_the_appointments_link(
    client: httpx.AsyncClient, reserving: Reserving
) -> None:
    booked = await reserving.book()
    (question,) = await reserving.questions()
    await reserving.confirm(question)
    assert "link" not in (await reserving.look(booked)).json()
    assert (await client.get("/appointment", headers=_bearer(booked["link"]))).status_code == 401


async def test_without_the_yes_the_time_is_free_and_everybody_forgets(
    reserving: Reserving, stored: Any, clock: Any, free: Any
) -> None:
    booked = await reserving.book()
    (question,) = await reserving.questions()
    clock.forward(minutes=29, seconds=59)
    await free()
    assert len(await stored("appointment")) == 1
    clock.forward(seconds=1)
    late = await reserving.confirm(question)
    assert (late.status_code, late.json()["code"]) == (410, "not_confirmed_in_time")
    await free()
    assert await stored("appointment") == []
    assert "2026-06-02T06:00:00Z" in await reserving.slots()
    assert await stored("freed_slot") == []  # it was never anybody's: nothing to be offered first
    assert await reserving.told() == [ConfirmationAsked.SUBJECT, BookingErased.SUBJECT]
    for answer in (await reserving.confirm(question), await reserving.look(booked), await reserving.mail(booked)):
        assert (answer.status_code, answer.json()["code"]) == (410, "not_confirmed_in_time")


async def test_no_address_outlives_what_was_not_confirmed(
    reserving: Reserving, stored: Any, clock: Any, free: Any
) -> None:
    booked = await reserving.book()
    key = uuid4().hex
    assert (await reserving.mail(booked, key=key, email=RIGHT)).json()["email"] == RIGHT
    assert (await reserving.mail(booked, key=key, email=RIGHT)).json()["email"] == RIGHT, "a repetition"
    clock.forward(minutes=30)
    await free()
    kept = [*await stored("idempotent_answers"), *await stored("appointment")]
    assert not [row for row in kept if "amelie" in str(row)]
    assert (await reserving.mail(booked, key=key, email=RIGHT)).status_code == 410


async def test_the_yes_and_the_end_at_the_same_time_are_one_of_both(
    reserving: Reserving, stored: Any, clock: Any, app: FastAPI, database: Database
) -> None:
    """Two instances look at different clocks; the database decides, whoever comes first."""
    for minute in range(10):
        starts_at = START + timedelta(minutes=5 * minute)
        await reserving.book(starts_at=starts_at.isoformat(), email=f"{minute}@example.org")
    questions = await reserving.questions()
    later = clock() + timedelta(minutes=30)

    async def late() -> None:
        await asyncio.gather(*(worker.free(app.state.deps, database, later) for _ in range(2)))

    freeing = asyncio.create_task(late())
    answers = await asyncio.gather(*(reserving.confirm(question) for question in questions))
    await freeing
    yes = {question.appointment_id for question, answer in zip(questions, answers, strict=True) if answer.is_success}
    assert {row["id"] for row in await stored("appointment") if row["confirm_by"] is None} == yes
    told = await stored("outbox")
    gone = [BookingErased.model_validate_json(row["body"]) for row in told if row["subject"] == BookingErased.SUBJECT]
    assert len(gone) == 10 - len(yes)
    assert yes.isdisjoint(event.appointment_id for event in gone)


async def test_what_begins_soon_is_kept_until_it_begins(reserving: Reserving, clock: Any) -> None:
    starts_at = clock() + timedelta(minutes=10)
    booked = await reserving.book(starts_at=starts_at.isoformat())
    assert datetime.fromisoformat(booked["confirm_by"]) == starts_at


async def test_a_mistyped_address_is_corrected_and_its_mail_is_worth_nothing(reserving: Reserving) -> None:
    booked = await reserving.book()
    corrected = await reserving.mail(booked, email=RIGHT)
    assert corrected.status_code == 200, corrected.text
    assert (corrected.json()["email"], corrected.json()["mails_left"]) == (RIGHT, MAX_MAILS - 2)
    assert corrected.json()["confirm_by"] == booked["confirm_by"]  # nobody keeps a time for ever
    wrong, right = await reserving.questions()
    assert (wrong.citizen.email, right.citizen.email) == (WRONG, RIGHT)
    stranger = await reserving.confirm(wrong)
    assert (stranger.status_code, stranger.json()["code"]) == (410, "link_expired")
    assert (await reserving.confirm(right)).json()["state"] == "confirmed"


async def test_nobody_is_mailed_more_than_three_times(reserving: Reserving) -> None:
    booked = await reserving.book()
    key = uuid4().hex
    assert [(await reserving.mail(booked, key=key)).status_code for _ in range(3)] == [200, 200, 200]  # one request
    assert (await reserving.mail(booked)).json()["mails_left"] == 0
    for body in ({}, {"email": RIGHT}):
        refused = await reserving.mail(booked, **body)
        assert (refused.status_code, refused.json()["code"]) == (409, "confirm_mails_used_up")
    questions = await reserving.questions()
    assert len(questions) == MAX_MAILS == 3
    assert {question.citizen.email for question in questions} == {WRONG}
    assert (await reserving.confirm(questions[0])).status_code == 200  # each of them is good


async def test_once_it_stands_the_page_of_who_booked_changes_nothing_any_more(reserving: Reserving) -> None:
    booked = await reserving.book()
    (question,) = await reserving.questions()
    await reserving.confirm(question)
    refused = await reserving.mail(booked, email=RIGHT)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_reserved")


async def test_the_mail_gives_the_link_no_more_once_it_was_renewed(
    client: httpx.AsyncClient, reserving: Reserving
) -> None:
    await reserving.book()
    (question,) = await reserving.questions()
    link = (await reserving.confirm(question)).json()["link"]
    headers = _bearer(link) | {"Idempotency-Key": uuid4().hex}
    assert (await client.post("/appointment/contact", headers=headers, json={"email": RIGHT})).status_code == 200
    again = (await reserving.confirm(question)).json()
    assert (again["state"], again["link"]) == ("confirmed", None)


async def test_what_was_cancelled_is_said(client: httpx.AsyncClient, reserving: Reserving) -> None:
    booked = await reserving.book()
    (question,) = await reserving.questions()
    link = (await reserving.confirm(question)).json()["link"]
    await client.post("/appointment/cancellation", headers=_bearer(link))
    for answer in (await reserving.confirm(question), await reserving.look(booked)):
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert (await reserving.told()).count(BookingCompleted.SUBJECT) == 1


async def test_a_repeated_booking_is_the_same_reservation(book: Any, reserving: Reserving, stored: Any) -> None:
    key = uuid4().hex
    first, second = [(await book(OFFICE, key=key)).json() for _ in range(2)]
    assert first == second
    assert len(await stored("appointment")) == len(await reserving.questions()) == 1


async def test_clerks_and_those_who_come_without_an_appointment_are_not_asked(
    client: httpx.AsyncClient, reserving: Reserving, order: Any, signed_in: Any
) -> None:
    """The clerk reads the address back on the phone; ADR 27 says why others are not asked."""
    booked = await client.post("/office/appointments", headers=signed_in("clerk", OFFICE), json=order())
    assert booked.status_code == 201, booked.text
    assert await reserving.told() == [BookingCompleted.SUBJECT]


async def test_the_work_that_a_mail_costs_is_asked_for_from_the_first(
    settings: Any, app: FastAPI, reserving: Reserving, solved: Any
) -> None:
    booked = await reserving.book()
    limits = settings.limits.model_copy(update={"confirmation": type(settings.limits)().confirmation})
    strict = build(settings.model_copy(update={"limits": limits}), clock=app.state.clock)
    strict.state.database = app.state.database
    transport = httpx.ASGITransport(strict, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking") as client:
        headers = _bearer(booked["link"]) | {"Idempotency-Key": uuid4().hex}
        asked = await client.post("/reservation/mail", headers=headers, json={})
        assert (asked.status_code, asked.json()["code"]) == (429, "proof_required")
        headers["Proof-Of-Work"] = solved(asked.json()["challenge"])
        assert (await client.post("/reservation/mail", headers=headers, json={})).status_code == 200
    assert len(await reserving.questions()) == 2


async def test_retention_leaves_what_is_kept_and_erases_what_stands(
    app: FastAPI, reserving: Reserving, stored: Any, clock: Any, database: Database
) -> None:
    await reserving.book()
    (question,) = await reserving.questions()
    await reserving.confirm(question)
    clock.forward(days=40)
    await erase_what_is_over(app.state.deps.offices, database, clock())
    (row,) = await stored("appointment")
    assert (row["name"], row["email"]) == ("", "")


async def test_a_question_that_comes_back_is_said_on_the_page_until_another_is_asked(
    reserving: Reserving, database: Database, stored: Any, samples: Any
) -> None:
    async def comes_back(asked: str, **changes: Any) -> list[bool]:
        meta, failed = samples[Failed.SUBJECT]
        of = {"office": OFFICE, "appointment_id": booked["appointment_id"], "kind": "confirm_address", "cause": asked}
        event, new = Failed.model_validate(failed.model_dump() | of | changes), meta.model_copy(update={"id": uuid4()})
        (consumer,) = (consumer for consumer in CONSUMERS if consumer.event is Failed)
        name = durable("booking", Failed)
        return [await process(database, name, consumer, event, new, clock=lambda: START) for _ in range(2)]

    async def asked() -> list[str]:
        return [str(row["event_id"]) for row in await stored("outbox") if row["subject"] == ConfirmationAsked.SUBJECT]

    async def returned() -> bool:
        return bool((await reserving.look(booked)).json()["mail_returned"])

    booked = await reserving.book()
    (first,) = await asked()
    assert not await returned()
    for elsewhere in ({"office": "demo"}, {"kind": "reminder"}, {"cause": uuid4()}, {"appointment_id": uuid4()}):
        await comes_back(first, **elsewhere)
    assert not await returned()
    assert await comes_back(first) == [True, False]
    assert await returned()
    corrected = await reserving.mail(booked, email=RIGHT)
    assert (corrected.status_code, corrected.json()["mail_returned"]) == (200, False)
    await comes_back(first)
    assert not await returned(), "it was the mail to the address of before"
    (second,) = {*await asked()} - {first}
    await comes_back(second)
    assert await returned()
    question = next(q for q in await reserving.questions() if q.citizen.email == RIGHT)
    assert (await reserving.confirm(question)).status_code == 200
    assert not await returned()
    await comes_back(second)
    (row,) = await stored("appointment")
    assert (row["confirm_question"], row["confirm_returned"]) == (None, False)
