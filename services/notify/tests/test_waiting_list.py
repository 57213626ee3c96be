"""The mail to those who wait without an appointment: once, as long as it is true, and with the way out."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from email.message import EmailMessage
from itertools import permutations
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.database import Database
from contracts.base import Event, Meta
from contracts.booking import WaitingJoined
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from contracts.text import Language
from notify import contexts, retention, usecases
from notify.mail import Composer
from notify.model import Message

Apply = Callable[..., Awaitable[bool]]
JOINED, OFFERED, BOOKED = "booking.waiting_joined.v1", "booking.slot_offered.v1", "booking.completed.v1"
FORGOTTEN = "booking.erased.v1"


@pytest.fixture
def event(samples: Mapping[str, tuple[Meta, Event]]) -> WaitingJoined:
    event = samples[JOINED][1]
    assert isinstance(event, WaitingJoined)
    return event


async def rows(database: Database) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        return [dict(row) for row in await tx.rows("SELECT * FROM ours.message ORDER BY created_at, kind")]


async def states(database: Database) -> list[tuple[str, str]]:
    return sorted((row["kind"], row["state"]) for row in await rows(database))


async def test_it_is_worth_sending_as_long_as_they_wait(
    apply: Apply, database: Database, clock: Any, event: WaitingJoined
) -> None:
    await apply(JOINED, ends_at=clock() + timedelta(days=1))
    (mail,) = await rows(database)
    assert (mail["recipient"], mail["valid_until"]) == (event.citizen.email, clock() + timedelta(days=1))
    clock.now += timedelta(days=1)
    assert await usecases.claim_due(database, clock()) == []
    assert await states(database) == [("waiting_list", "dropped")]


async def test_who_has_an_appointment_by_now_is_not_told_that_they_wait(
    apply: Apply, database: Database, event: WaitingJoined
) -> None:
    booked = {"appointment_id": event.appointment_id, "channel": "waiting_list"}
    await apply(JOINED)
    await apply(BOOKED, **booked)
    assert await states(database) == [("confirmation", "pending"), ("waiting_list", "dropped")]


@pytest.mark.parametrize("order", list(permutations((JOINED, OFFERED, FORGOTTEN))))
async def test_who_has_left_is_written_nothing_and_forgotten_in_whatever_order_it_is_heard(
    apply: Apply, database: Database, event: WaitingJoined, order: tuple[str, ...]
) -> None:
    for subject in order:
        await apply(subject, appointment_id=event.appointment_id)
    assert {(row["state"], row["recipient"], str(row["context"])) for row in await rows(database)} <= {
        ("dropped", "", "{}")
    }


@pytest.mark.parametrize("order", [(JOINED, BOOKED), (BOOKED, JOINED)])
async def test_the_appointment_is_confirmed_whatever_is_heard_first(
    apply: Apply, database: Database, event: WaitingJoined, order: tuple[str, ...]
) -> None:
    for subject in order:
        changes: dict[str, Any] = {"channel": "waiting_list"} if subject == BOOKED else {}
        await apply(subject, appointment_id=event.appointment_id, **changes)
    assert ("confirmation", "pending") in await states(database)
    assert ("waiting_list", "pending") not in await states(database)


async def test_it_is_erased_after_the_offices_days_and_the_person_may_still_get_an_appointment(
    apply: Apply, database: Database, clock: Any, offices: Mapping[str, Office], event: WaitingJoined
) -> None:
    await apply(JOINED, ends_at=clock() + timedelta(days=300))
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.message SET state = 'delivered', next_try_at = NULL")
    clock.now += timedelta(days=offices["demo"].retention.appointment_days, seconds=1)
    await retention.erase_what_is_over(offices, database, clock())
    assert [(row["recipient"], str(row["context"])) for row in await rows(database)] == [("", "{}")]
    await apply(BOOKED, appointment_id=event.appointment_id, channel="waiting_list")
    assert ("confirmation", "pending") in await states(database)


async def test_it_is_not_sent_again_once_there_is_an_appointment(
    apply: Apply, client: httpx.AsyncClient, database: Database, clerk_token: Any, event: WaitingJoined
) -> None:
    await apply(JOINED)
    (mail,) = await rows(database)
    path = f"/appointments/{event.appointment_id}/messages/{mail['id']}/resend"

    async def again() -> int:
        headers = {"Authorization": f"Bearer {clerk_token('demo')}", "Idempotency-Key": uuid4().hex}
        return (await client.post(path, json={}, headers=headers)).status_code

    assert await again() == 202
    await apply(BOOKED, appointment_id=event.appointment_id, channel="waiting_list")
    assert await again() == 409


@pytest.fixture
def composed(event: WaitingJoined, offices: Mapping[str, Office], clock: Any) -> Callable[..., EmailMessage]:
    def compose(language: Language, *, plain: bool = False, minutes: int = 120, **changes: object) -> EmailMessage:
        office = offices["heidelberg"]
        office = office.model_copy(update={"booking": office.booking.model_copy(update={"offer_minutes": minutes})})
        composer = Composer(
            {"heidelberg": office}, load_catalogue(), public_origin="http://localhost", sender="a@schalter.example"
        )
        said = event.model_copy(update=changes)
        context = contexts.listed(said)
        return composer.compose(
            Message(
                uuid4(),
                office.slug,
                said.appointment_id,
                "waiting_list",
                uuid4(),
                said.citizen.email,
                language,
                context,
                clock(),
                1,
                plain_language=plain,
            )
        ).read()

    return compose


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("language", ["de", "en"])
def test_it_says_what_happens_and_how_to_leave_and_brings_no_calendar_entry(
    composed: Callable[..., EmailMessage], event: WaitingJoined, language: Language, plain: bool
) -> None:
    mail = composed(language, plain=plain)
    assert f"http://localhost/heidelberg/waiting#{event.link_token}" in text(mail)
    assert ("2 Stunden" if language == "de" else "2 hours") in text(mail)
    assert list(mail.iter_attachments()) == []


def test_days_are_those_asked_for_or_how_long_one_waits(composed: Callable[..., EmailMessage]) -> None:
    asked = text(composed("de"))
    assert "Frühestens am: Dienstag, 1. Dezember 2026" in asked
    assert "Spätestens am: Freitag, 11. Dezember 2026" in asked
    assert "längstens" not in asked
    # It ends as the twelfth begins: the eleventh is the last day.
    open_end = text(composed("de", first_day=None, last_day=None))
    assert "Sie warten längstens bis: Freitag, 11. Dezember 2026" in open_end
    assert "Frühestens" not in open_end


@pytest.mark.parametrize(("minutes", "told"), [(60, "1 Stunde "), (90, "90 Minuten"), (1440, "24 Stunden")])
def test_how_long_an_offer_is_kept_is_the_offices_rule(
    composed: Callable[..., EmailMessage], minutes: int, told: str
) -> None:
    assert f"bis zu {told}" in text(composed("de", minutes=minutes))
