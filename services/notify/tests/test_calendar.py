"""The calendar entries in our mails: one entry over all changes, from whom the mail is from."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import icalendar
import pytest
from calendar_check import Entry, check

from chassis.database import Database
from contracts.base import Event, Meta
from contracts.catalogue import load_catalogue
from contracts.ids import AppointmentId
from contracts.offices import Office
from notify import usecases
from notify.mail import Composer

BOOKED, MOVED, OFF = "booking.completed.v1", "booking.rescheduled.v1", "booking.cancelled.v1"


@pytest.fixture(scope="module")
def composer(offices: Mapping[str, Office]) -> Composer:
    return Composer(
        offices, load_catalogue(), public_origin="http://localhost:8080", sender="Schalter <noreply@schalter.example>"
    )


def attached(mail: EmailMessage) -> bytes:
    """The entry as it goes over the wire, undone of the mail's transfer encoding alone."""
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


async def test_a_move_and_a_cancellation_change_the_same_entry(
    apply: Callable[..., Awaitable[bool]],
    database: Database,
    clock: Any,
    composer: Composer,
    samples: Mapping[str, tuple[Meta, Event]],
) -> None:
    """Book, move twice, cancel: four mails, one UID, each with a higher SEQUENCE than the one before."""
    appointment_id = AppointmentId(uuid4())
    starts_at: datetime = samples[BOOKED][1].starts_at  # type: ignore[attr-defined]
    told: list[Entry] = []
    for subject, generation, later in ((BOOKED, 1, 0), (MOVED, 2, 1), (MOVED, 3, 2), (OFF, 3, 2)):
        begins = starts_at + timedelta(days=later)
        changes: dict[str, object] = {"starts_at": begins, "ends_at": begins + timedelta(minutes=15)}
        if subject != OFF:
            changes["link_generation"] = generation
        await apply(subject, appointment_id=appointment_id, **changes)
        told.append(check(await _sent(database, clock, composer)))
        assert told[-1].starts_at == begins
    assert [one.method for one in told] == ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]
    assert len({one.uid for one in told}) == 1
    assert [one.sequence for one in told] == sorted({one.sequence for one in told})


async def _sent(database: Database, clock: Any, composer: Composer) -> bytes:
    (message,) = await usecases.claim_due(database, clock())
    await usecases.settle_delivered(database, message, clock())
    return attached(composer.compose(message).read())


@pytest.mark.parametrize("subject", [BOOKED, MOVED, OFF])
async def test_it_is_from_whom_the_mail_is_from(
    apply: Callable[..., Awaitable[bool]], database: Database, clock: Any, composer: Composer, subject: str
) -> None:
    """Outlook and Google change and take away an entry only for who made it."""
    await apply(subject)
    (message,) = await usecases.claim_due(database, clock())
    mail = composer.compose(message).read()
    (event,) = icalendar.Calendar.from_ical(attached(mail)).walk("VEVENT")
    (sender,) = mail["From"].addresses
    assert (event["ORGANIZER"], event["ORGANIZER"].params["CN"]) == (f"mailto:{sender.addr_spec}", sender.display_name)
