"""Before an appointment stands its address is asked about, and a link that was lost goes to the address on record."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest

from chassis.database import Database
from contracts.base import Event, Meta
from contracts.booking import ConfirmationAsked, LinkAsked
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from contracts.text import Language
from notify import contexts, usecases
from notify.mail import Composer
from notify.model import Message

Apply = Callable[..., Awaitable[bool]]
ASKED, BOOKED, FORGOTTEN = "booking.confirmation_asked.v1", "booking.completed.v1", "booking.erased.v1"
LINK, MOVED, CORRECTED = "booking.link_asked.v1", "booking.rescheduled.v1", "booking.contact_changed.v1"


@pytest.fixture
def asked(samples: Mapping[str, tuple[Meta, Event]]) -> ConfirmationAsked:
    event = samples[ASKED][1]
    assert isinstance(event, ConfirmationAsked)
    return event


async def rows(database: Database) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        return [dict(row) for row in await tx.rows("SELECT * FROM ours.message ORDER BY created_at, kind")]


async def states(database: Database) -> list[tuple[str, str]]:
    return sorted((row["kind"], row["state"]) for row in await rows(database))


async def test_the_question_is_the_only_mail_and_not_worth_sending_once_the_time_is_free_again(
    apply: Apply, database: Database, clock: Any
) -> None:
    await apply(ASKED, expires_at=clock() + timedelta(minutes=30))
    (mail,) = await rows(database)
    assert (mail["kind"], mail["valid_until"]) == ("confirm_address", clock() + timedelta(minutes=30))
    async with database.transaction() as tx:
        assert await tx.rows("SELECT 1 FROM reminder") == []
    clock.now += timedelta(minutes=30)
    assert await usecases.claim_due(database, clock()) == []
    assert await states(database) == [("confirm_address", "dropped")]


async def test_who_has_confirmed_gets_the_confirmation_and_is_not_asked_any_more(
    apply: Apply, database: Database
) -> None:
    await apply(BOOKED)
    await apply(ASKED)
    assert await states(database) == [("confirmation", "pending")]


@pytest.mark.parametrize("order", [(ASKED, FORGOTTEN), (FORGOTTEN, ASKED)])
async def test_who_did_not_confirm_is_forgotten_in_whatever_order_it_is_heard(
    apply: Apply, database: Database, asked: ConfirmationAsked, order: tuple[str, ...]
) -> None:
    for subject in order:
        await apply(subject, appointment_id=asked.appointment_id)
    assert {(row["state"], row["recipient"], str(row["context"])) for row in await rows(database)} <= {
        ("dropped", "", "{}")
    }


async def test_nothing_personal_is_kept_for_the_question_but_where_it_goes(
    apply: Apply, database: Database, asked: ConfirmationAsked
) -> None:
    named = asked.citizen.model_copy(update={"name": "Erika Mustermann", "phone": "+4915112345678"})
    await apply(ASKED, citizen=named)
    (mail,) = await rows(database)
    assert mail["recipient"] == asked.citizen.email
    assert "Erika" not in str(mail["context"])
    assert "4915112345678" not in str(mail["context"])


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("plain", [False, True])
def test_the_question_says_until_when_and_what_to_do_if_it_was_somebody_else(
    asked: ConfirmationAsked, offices: Mapping[str, Office], clock: Any, language: Language, plain: bool
) -> None:
    composer = Composer(offices, load_catalogue(), public_origin="http://localhost", sender="a@schalter.example")
    context = contexts.asked_to_confirm(asked)
    mail = composer.compose(
        Message(
            uuid4(),
            asked.office,
            asked.appointment_id,
            "confirm_address",
            uuid4(),
            asked.citizen.email,
            language,
            context,
            clock(),
            1,
            plain_language=plain,
        )
    ).read()
    said = text(mail)
    assert f"http://localhost/demo/confirm#{asked.confirm_token}" in said
    assert "25. November 2026, 11:00 Uhr" in said if language == "de" else "25 November 2026, 11:00" in said
    assert ("nichts gebucht" if language == "de" else "did not book anything") in said
    assert list(mail.iter_attachments()) == []  # no calendar entry of what does not stand
    assert "/appointment#" not in said


async def test_a_lost_link_goes_to_the_address_that_was_corrected_and_plans_no_reminder_anew(
    apply: Apply, database: Database, samples: Mapping[str, tuple[Meta, Event]]
) -> None:
    await apply(BOOKED)
    async with database.transaction() as tx:
        planned = await tx.rows("SELECT id FROM reminder ORDER BY id")
    event = samples[LINK][1]
    assert isinstance(event, LinkAsked)
    await apply(CORRECTED, appointment_id=event.appointment_id, link_generation=1, revision=1)
    corrected = samples[CORRECTED][1]
    await apply(LINK)
    (link,) = [row for row in await rows(database) if row["kind"] == "link"]
    assert link["recipient"] == corrected.citizen.email  # type: ignore[attr-defined]
    async with database.transaction() as tx:
        assert await tx.rows("SELECT id FROM reminder ORDER BY id") == planned


async def test_a_lost_link_that_is_dead_by_now_is_not_mailed(
    apply: Apply, database: Database, samples: Mapping[str, tuple[Meta, Event]]
) -> None:
    event = samples[LINK][1]
    assert isinstance(event, LinkAsked)
    await apply(MOVED, appointment_id=event.appointment_id, link_generation=event.link_generation + 1)
    await apply(LINK)
    assert "link" not in {row["kind"] for row in await rows(database)}


async def test_who_is_forgotten_gets_no_link(apply: Apply, database: Database) -> None:
    await apply(BOOKED)
    await apply(FORGOTTEN)
    await apply(LINK)
    assert "link" not in {row["kind"] for row in await rows(database)}


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\N{NO-BREAK SPACE}", " ")
