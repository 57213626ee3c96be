"""Mails say what citizens need, in both languages, and let nothing be injected."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar

from contracts.catalogue import load_catalogue
from contracts.ids import AppointmentId
from contracts.notify import MessageKind
from contracts.offices import Office
from contracts.text import Language
from notify.mail import Composer
from notify.model import Message, Trouble, next_try

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
APPOINTMENT = AppointmentId(UUID("0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10"))
CONTEXT: dict[str, Any] = {
    "reference": "HD-7K3M9Q",
    "name": "Amélie Müller-Yılmaz",
    "time_zone": None,
    "starts_at": "2026-12-01T08:00:00+00:00",
    "ends_at": "2026-12-01T08:15:00+00:00",
    "services": ["fuehrungszeugnis", "personalausweis"],
    "link_token": "header.payload.signature",
    "amount_cents": 5900,
    "receipt_number": "HD-2026-000017",
    "at": "2026-12-01T08:12:00+00:00",
    "cancelled_by": "citizen",
    "previous_starts_at": "2026-11-30T10:00:00+00:00",
    "rescheduled_by": "citizen",
    "offer_token": "header.offer.signature",
    "current_starts_at": "2026-12-08T08:00:00+00:00",
    "expires_at": "2026-11-22T10:00:00+00:00",
}


@pytest.fixture(scope="module")
def composer(offices: Mapping[str, Office]) -> Composer:
    return Composer(
        offices, load_catalogue(), public_origin="http://localhost:8080", sender="Schalter <noreply@schalter.example>"
    )


def message(kind: MessageKind = "confirmation", language: Language = "de", **changes: object) -> Message:
    return Message(
        id=uuid4(),
        office="heidelberg",
        appointment_id=APPOINTMENT,
        kind=kind,
        cause=uuid4(),
        recipient="amelie@example.org",
        language=language,
        context=CONTEXT | changes,
        created_at=NOW,
        tries=1,
    )


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def calendar(mail: EmailMessage) -> Any:
    (part,) = mail.iter_attachments()
    return Calendar.from_ical(part.get_content())


@pytest.mark.parametrize("kind", get_args(MessageKind))
@pytest.mark.parametrize("language", get_args(Language))
def test_every_mail_survives_the_wire_and_names_office_and_matter(
    composer: Composer, kind: MessageKind, language: Language
) -> None:
    sent = composer.compose(message(kind, language))
    mail = message_from_bytes(bytes(sent), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    for body in (text(mail), html(mail)):
        assert "HD-7K3M9Q" in body
        assert "Amélie Müller-Yılmaz" in body
        assert "Bergheimer Straße 69" in body
    assert mail["Content-Language"] == language
    assert f'<html lang="{language}">' in html(mail)
    assert "src=" not in html(mail)  # nothing remote, so nothing that tracks


def test_the_confirmation_carries_the_link_in_text_and_html(composer: Composer) -> None:
    mail = composer.compose(message())
    link = "http://localhost:8080/heidelberg/appointment#header.payload.signature"
    assert link in text(mail)
    assert f'href="{link}"' in html(mail)
    assert mail["Subject"] == "Ihr Videotermin am Dienstag, 1. Dezember 2026, 09:00 Uhr (HD-7K3M9Q)"


def test_a_citizen_abroad_reads_both_times(composer: Composer) -> None:
    body = text(composer.compose(message(language="en", time_zone="Asia/Kathmandu")))
    assert "Tuesday, 1 December 2026, 13:45 (Kathmandu)" in body
    assert "Time at the office: Tuesday, 1 December 2026, 09:00" in body


def test_a_citizen_in_the_same_time_reads_one(composer: Composer) -> None:
    assert "Uhrzeit im Amt" not in text(composer.compose(message(time_zone="Europe/Paris")))


def test_the_visit_that_remains_is_said(composer: Composer) -> None:
    assert "Fingerabdrücke" in text(composer.compose(message()))


def test_the_calendar_entry_is_read_back_and_cancelled_under_the_same_uid(composer: Composer) -> None:
    request = calendar(composer.compose(message()))
    cancel = calendar(composer.compose(message("cancellation")))
    (event,), (gone,) = request.walk("VEVENT"), cancel.walk("VEVENT")
    assert (request["METHOD"], cancel["METHOD"]) == ("REQUEST", "CANCEL")
    assert event["UID"] == gone["UID"]
    assert gone["SEQUENCE"] > event["SEQUENCE"]
    assert event.decoded("DTSTART").astimezone(UTC) == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert request.walk("VTIMEZONE")
    assert request.walk("VALARM")


def test_markup_in_a_name_is_text(composer: Composer) -> None:
    mail = composer.compose(message(name='<img src="https://evil.example/x">'))
    assert "<img" not in html(mail)
    assert '<img src="https://evil.example/x">' in text(mail)


def test_line_breaks_cannot_add_headers(composer: Composer) -> None:
    mail = composer.compose(message(reference="X\r\nBcc: everybody@example.org"))
    assert mail["Bcc"] is None
    assert "\nBcc:" not in bytes(mail).split(b"\n\n", 1)[0].decode()
    with pytest.raises(ValueError, match="line"):
        mail["X-Test"] = "a\r\nBcc: b"


def test_the_message_id_is_the_same_over_all_tries(composer: Composer) -> None:
    first = message()
    assert composer.compose(first)["Message-ID"] == composer.compose(first)["Message-ID"]


def test_refusals_are_final_and_outages_are_waited_out() -> None:
    assert next_try(Trouble.REFUSED, 1, NOW) is None
    assert next_try(Trouble.INVALID_ADDRESS, 1, NOW) is None
    waits = [next_try(Trouble.UNREACHABLE, tries, NOW) for tries in range(1, 12)]
    assert waits[-1] is None
    times = [wait for wait in waits if wait]
    assert times == sorted(times)
    assert sum((wait - NOW).total_seconds() for wait in times) > 24 * 3600
