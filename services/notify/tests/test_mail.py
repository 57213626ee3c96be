"""Mails say what citizens need, in both languages, and let nothing be injected."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar
from jinja2 import UndefinedError

from contracts.booking import calendar_uid
from contracts.catalogue import load_catalogue
from contracts.ids import AppointmentId
from contracts.notify import MessageKind
from contracts.offices import Office
from contracts.text import Language
from notify import mime
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
    "refunded_cents": 1300,
    "receipt_number": "HD-2026-000017",
    "at": "2026-12-01T08:12:00+00:00",
    "cancelled_by": "citizen",
    "previous_starts_at": "2026-11-30T10:00:00+00:00",
    "rescheduled_by": "citizen",
    "offer_token": "header.offer.signature",
    "waiting_token": "header.waiting.signature",
    "confirm_token": "header.confirm.signature",
    "waits_until": "2027-01-01T11:00:00+00:00",
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


def read(composer: Composer, message: Message, now: datetime | None = None) -> EmailMessage:
    return composer.compose(message, now).read()


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
    mail = read(composer, message(kind, language))
    for body in (text(mail), html(mail)):
        without_appointment = kind in ("confirm_address", "waiting_list", "waiting_over")
        assert ("HD-7K3M9Q" in body) == (not without_appointment)
        assert ("Amélie Müller-Yılmaz" in body) == (kind != "confirm_address")  # it may be a stranger who reads
        assert "Bergheimer Straße 69" in body
    assert mail["Content-Language"] == language
    assert f'<html lang="{language}">' in html(mail)
    assert "src=" not in html(mail)  # nothing remote, so nothing that tracks


def test_of_a_service_that_the_catalogue_has_lost_the_mail_is_written_all_the_same(composer: Composer) -> None:
    mail = read(composer, message(services=["abgeschafft", "fuehrungszeugnis"], persons=[1, 1], options=[{}, {}]))
    assert "abgeschafft, Führungszeugnis" in text(mail)


def test_the_confirmation_carries_the_link_in_text_and_html(composer: Composer) -> None:
    mail = read(composer, message())
    link = "http://localhost:8080/heidelberg/appointment#header.payload.signature"
    assert link in text(mail)
    assert f'href="{link}"' in html(mail)
    assert mail["Subject"] == "Ihr Videotermin am Dienstag, 1. Dezember 2026, 09:00 Uhr (HD-7K3M9Q)"


def test_a_citizen_abroad_reads_both_times(composer: Composer) -> None:
    body = text(read(composer, message(language="en", time_zone="Asia/Kathmandu")))
    assert "Tuesday, 1 December 2026, 13:45 (Kathmandu)" in body
    assert "Time at the office: Tuesday, 1 December 2026, 09:00" in body


def test_a_citizen_in_the_same_time_reads_one(composer: Composer) -> None:
    assert "Uhrzeit im Amt" not in text(read(composer, message(time_zone="Europe/Paris")))


@pytest.mark.parametrize("zone", ["Etc/Unknown", "Mars/Olympus_Mons", "../../etc/passwd"])
def test_a_time_zone_that_nobody_knows_is_the_offices(composer: Composer, zone: str) -> None:
    """As it may stand in an event of before."""
    assert text(read(composer, message(time_zone=zone))) == text(read(composer, message(time_zone=None)))


def test_a_domain_goes_out_as_every_mail_server_knows_it(composer: Composer) -> None:
    mail = composer.compose(replace(message(), recipient="info@müller.de"))
    assert (mail.recipient, mail.international) == ("info@xn--mller-kva.de", False)
    assert mail.content.isascii()
    (entry,) = calendar(mail.read()).walk("VEVENT")
    assert entry["ATTENDEE"] == "mailto:info@xn--mller-kva.de"


def test_only_a_local_part_in_another_alphabet_needs_a_server_that_knows_it(composer: Composer) -> None:
    mail = composer.compose(replace(message(), recipient="amélie@müller.de"))
    assert (mail.recipient, mail.international) == ("amélie@xn--mller-kva.de", True)
    assert not composer.compose(message()).international


def test_the_visit_that_remains_is_said(composer: Composer) -> None:
    assert "Fingerabdrücke" in text(read(composer, message()))


def test_the_calendar_entry_is_read_back_and_cancelled_under_the_same_uid(composer: Composer) -> None:
    request = calendar(read(composer, message()))
    cancel = calendar(read(composer, message("cancellation")))
    (event,), (gone,) = request.walk("VEVENT"), cancel.walk("VEVENT")
    assert (request["METHOD"], cancel["METHOD"]) == ("REQUEST", "CANCEL")
    assert event["UID"] == gone["UID"]
    assert gone["SEQUENCE"] > event["SEQUENCE"]
    assert event.decoded("DTSTART").astimezone(UTC) == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert request.walk("VTIMEZONE")
    assert request.walk("VALARM")


@pytest.mark.parametrize(
    ("by", "de", "en"),
    [
        ("citizen", "Sie haben Ihren Termin verlegt.", "You have moved your appointment."),
        ("office", "leider mussten wir Ihren Termin verlegen", "we had to move your appointment"),
        ("waiting_list", "Sie haben den früheren Termin angenommen", "You have accepted the earlier appointment"),
    ],
)
def test_a_moved_appointment_says_who_moved_it_from_when_to_when(composer: Composer, by: str, de: str, en: str) -> None:
    german = text(read(composer, message("rescheduled", rescheduled_by=by)))
    english = text(read(composer, message("rescheduled", "en", rescheduled_by=by)))
    assert de in german
    assert en in english
    assert "Neu: Dienstag, 1. Dezember 2026, 09:00 Uhr\nBisher: Montag, 30. November 2026, 11:00 Uhr" in german
    assert "New: Tuesday, 1 December 2026, 09:00\nBefore: Monday, 30 November 2026, 11:00" in english
    assert ("Passt Ihnen die neue Zeit nicht?" in german) == (by == "office")


def test_the_link_of_a_moved_appointment_is_the_new_one_and_said_to_be(composer: Composer) -> None:
    mail = read(composer, message("rescheduled", link_token="new.link.token"))
    assert "http://localhost:8080/heidelberg/appointment#new.link.token" in text(mail)
    assert "der Link aus der früheren E-Mail gilt nicht mehr" in text(mail)
    assert mail["Subject"] == "Termin verlegt: Dienstag, 1. Dezember 2026, 09:00 Uhr (HD-7K3M9Q)"


def test_a_moved_appointment_replaces_its_entry_in_the_calendar_and_a_cancellation_ends_it(composer: Composer) -> None:
    mails = [message(generation=1), message("rescheduled", generation=3), message("cancellation", generation=3)]
    entries = [calendar(read(composer, each)) for each in mails]
    events = [entry.walk("VEVENT")[0] for entry in entries]
    assert [entry["METHOD"] for entry in entries] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [event["SEQUENCE"] for event in events] == [0, 2, 3]
    assert {event["UID"] for event in events} == {calendar_uid(APPOINTMENT)}


def test_who_walks_in_gets_no_calendar_entry_for_this_very_minute(composer: Composer) -> None:
    mail = read(composer, message(channel="walk_in"))
    assert list(mail.iter_attachments()) == []
    assert "Sie sind an der Reihe" in text(mail)


def test_an_offer_says_what_it_is_until_when_and_that_nothing_happens_without_a_yes(composer: Composer) -> None:
    mail = read(composer, message("slot_offer"))
    body = text(mail)
    assert "http://localhost:8080/heidelberg/offer#header.offer.signature" in body
    assert "Gilt bis: Sonntag, 22. November 2026, 11:00 Uhr" in body
    assert "Ihr jetziger Termin: Dienstag, 8. Dezember 2026, 09:00 Uhr" in body
    assert "Ihr jetziger Termin bleibt bestehen, solange Sie nicht annehmen" in body
    assert "Dann brauchen Sie nichts zu tun" in body
    assert mail["Subject"] == "Früherer Termin frei: Dienstag, 1. Dezember 2026, 09:00 Uhr (HD-7K3M9Q)"
    assert list(mail.iter_attachments()) == []


def test_an_offer_to_somebody_without_an_appointment_speaks_of_none(composer: Composer) -> None:
    mail = read(composer, message("slot_offer", "en", current_starts_at=None, reference=None))
    assert mail["Subject"] == "An appointment is free: Tuesday, 1 December 2026, 09:00"
    for word in ("Your appointment now", "present appointment", "Appointment number", "None"):
        assert word not in text(mail)


def test_times_of_an_offer_are_in_the_citizens_own_zone(composer: Composer) -> None:
    body = text(read(composer, message("slot_offer", "en", time_zone="America/New_York")))
    assert "Offer: Tuesday, 1 December 2026, 03:00 (New York)" in body
    assert "Time at the office: Tuesday, 1 December 2026, 09:00" in body
    assert "Valid until: Sunday, 22 November 2026, 05:00 (New York)" in body


def test_the_reminder_says_how_far_off_it_is_and_what_to_have_ready(composer: Composer) -> None:
    mail = read(composer, message("reminder"), datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    body = text(mail)
    assert mail["Subject"] == "Erinnerung: Ihr Videotermin morgen um 09:00 Uhr (HD-7K3M9Q)"
    assert "Wann: Dienstag, 1. Dezember 2026, 09:00 Uhr" in body
    assert "http://localhost:8080/heidelberg/appointment#header.payload.signature" in body
    assert "http://localhost:8080/heidelberg/check" in body
    assert "Halten Sie bereit" in body
    assert list(mail.iter_attachments()) == []  # the entry is in the calendar already


def test_shortly_before_the_reminder_counts_the_minutes(composer: Composer) -> None:
    body = text(read(composer, message("reminder", "en"), datetime(2026, 12, 1, 7, 30, 20, tzinfo=UTC)))
    assert "begins in about 30 minutes, today at 09:00" in body


@pytest.mark.parametrize(
    ("zone", "expected"), [("Asia/Tokyo", "tomorrow at 01:00"), ("America/New_York", "today at 11:00")]
)
def test_tomorrow_is_the_citizens_own(composer: Composer, zone: str, expected: str) -> None:
    late = {"starts_at": "2026-12-01T16:00:00+00:00", "ends_at": "2026-12-01T16:15:00+00:00", "time_zone": zone}
    mail = read(composer, message("reminder", "en", **late), datetime(2026, 12, 1, 13, 0, tzinfo=UTC))
    assert expected in mail["Subject"]


def test_who_was_missed_is_not_blamed_and_finds_the_way_back(composer: Composer) -> None:
    body = text(read(composer, message("no_show")))
    assert "Das kann passieren" in body
    assert "http://localhost:8080/heidelberg/\n" in body
    assert "http://localhost:8080/heidelberg/check" in body


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("language", "day", "opens"),
    [
        ("de", "am Tag Ihres Termins", "öffnen wir den Warteraum wieder"),
        ("en", "on the day of your appointment", "we open the waiting room again"),
    ],
)
def test_who_was_missed_reads_until_when_a_call_opens_the_room_again(
    composer: Composer, language: Language, day: str, opens: str, plain: bool
) -> None:
    body = text(read(composer, replace(message("no_show", language), plain_language=plain)))
    assert day in body
    assert opens in body


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("language", "untrue", "true"),
    [("de", "noch einmal", "Ohne Ihre Bestätigung"), ("en", "write to you again", "ithout your confirmation")],
)
def test_the_question_about_an_address_does_not_promise_to_be_the_last(
    composer: Composer, language: Language, untrue: str, true: str, plain: bool
) -> None:
    body = text(read(composer, replace(message("confirm_address", language), plain_language=plain)))
    assert untrue not in body
    assert true in body


def test_persons_and_needs_are_named(composer: Composer) -> None:
    needs = ["interpreter", "sign_language_interpreter", "companion"]
    body = text(read(composer, message(persons=[1, 3], needs=needs)))
    assert "Führungszeugnis, Personalausweis (3\N{NO-BREAK SPACE}Personen)" in body
    assert "Dolmetschen in Ihre Sprache, Dolmetschen in Gebärdensprache, eine Begleitperson" in body
    assert "für mehrere Personen" in body
    assert "Vorgemerkt" not in text(read(composer, message()))


def test_a_message_of_the_version_before_is_still_written(composer: Composer) -> None:
    """Its context lacks what came later: persons, needs, channel, generation."""
    assert "Anliegen: Führungszeugnis, Personalausweis\n" in text(read(composer, message()))


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("kind", get_args(MessageKind))
def test_no_template_shows_what_a_message_does_not_have(
    composer: Composer, kind: MessageKind, language: Language
) -> None:
    bare = {key: CONTEXT[key] for key in ("reference", "name", "time_zone", "starts_at", "ends_at", "services")}
    links = dict.fromkeys(("link_token", "offer_token", "waiting_token", "confirm_token"), "a.b.c")
    mail = read(composer, replace(message(kind, language), context=bare | links))
    assert "None" not in text(mail)
    assert "None" not in html(mail)


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("confirmation", "link_token"),
        ("confirm_address", "confirm_token"),
        ("slot_offer", "offer_token"),
        ("waiting_list", "waiting_token"),
    ],
)
def test_a_mail_without_its_link_is_not_written(composer: Composer, kind: MessageKind, token: str) -> None:
    with pytest.raises(UndefinedError):
        read(composer, replace(message(kind), context={**CONTEXT, token: None}))


@pytest.mark.parametrize("kind", ["confirmation", "reminder", "rescheduled"])
def test_what_to_have_ready_follows_what_was_chosen(composer: Composer, kind: MessageKind) -> None:
    def said(belegart: str) -> str:
        return " ".join(text(read(composer, message(kind, options=[{"belegart": belegart}, {}]))).split())

    assert "- Anschrift der Behörde und der Verwendungszweck" in said("O")
    assert "Behörde" not in said("N")


def test_a_mail_asked_for_before_choices_travelled_along_names_each_choice(composer: Composer) -> None:
    said = " ".join(text(read(composer, message())).split())
    assert "Zur Vorlage bei einer Behörde (Belegart O): Anschrift der Behörde" in said


@pytest.mark.parametrize("kind", get_args(MessageKind))
@pytest.mark.parametrize("language", get_args(Language))
def test_plain_language_says_the_same_in_short_sentences(
    composer: Composer, kind: MessageKind, language: Language
) -> None:
    ordinary = message(kind, language)
    plain = replace(ordinary, plain_language=True)
    said = text(read(composer, plain))
    assert said != text(read(composer, ordinary))
    assert re.findall(r"https?://\S+#\S+", said) == re.findall(r"https?://\S+#\S+", text(read(composer, ordinary)))
    catalogue = load_catalogue().values()
    needed = {text.in_language(language) for one in catalogue for text in one.bring}
    own = [line for line in said.partition("\n-- ")[0].splitlines() if line.removeprefix("- ") not in needed]
    sentences = [s for line in own if ": " not in line for s in re.split(r"(?<=[.!?])\s+", line)]
    assert max(len(sentence.split()) for sentence in sentences) <= 13, max(sentences, key=len)


def test_the_footer_names_the_offices_own_pages(offices: Mapping[str, Office]) -> None:
    pages = {name: f"https://town.example/{name}" for name in ("website", "imprint", "privacy")}
    office = offices["heidelberg"]
    contact = type(office.contact).model_validate(office.contact.model_dump() | pages)
    own = {"heidelberg": office.model_copy(update={"contact": contact})}
    composer = Composer(own, load_catalogue(), public_origin="http://x", sender="A <a@b.example>")
    mail = read(composer, message())
    for page in pages.values():
        assert page in text(mail)
        assert f'href="{page}"' in html(mail)


def test_an_office_whose_address_begins_with_its_name_signs_once(offices: Mapping[str, Office]) -> None:
    office = offices["heidelberg"]
    contact = office.contact.model_copy(update={"address": [office.name.de, "Markt 1"]})
    own = {"heidelberg": office.model_copy(update={"contact": contact})}
    mail = read(Composer(own, load_catalogue(), public_origin="http://x", sender="A <a@b.example>"), message())
    assert text(mail).split("\n-- \n")[1].splitlines()[:2] == ["Bürgeramt Heidelberg", "Markt 1"]
    assert "<strong>Bürgeramt Heidelberg</strong><br>Markt 1<br>" in html(mail)


def test_markup_in_a_name_is_text(composer: Composer) -> None:
    mail = read(composer, message(name='<img src="https://evil.example/x">'))
    assert "<img" not in html(mail)
    assert '<img src="https://evil.example/x">' in text(mail)


def test_line_breaks_cannot_add_headers(composer: Composer) -> None:
    mail = read(composer, message(reference="X\r\nBcc: everybody@example.org"))
    assert mail["Bcc"] is None
    assert "everybody@example.org" in mail["Subject"]
    with pytest.raises(ValueError, match="line"):
        mime.text("X-Test", "a\r\nBcc: b")


@pytest.mark.parametrize("kind", get_args(MessageKind))
def test_no_name_or_reference_reaches_the_headers_as_more_than_text(composer: Composer, kind: MessageKind) -> None:
    evil = "A\r\nBcc: everybody@example.org\r\n\r\n<b>body</b>"
    mail = read(composer, message(kind, name=evil, reference=evil, receipt_number=evil))
    assert {name.lower() for name, _ in mail.items()} <= {
        *("from", "to", "reply-to", "subject", "date", "message-id", "auto-submitted", "content-language"),
        *("mime-version", "content-type"),
    }
    assert mail["To"] == "amelie@example.org"


def test_an_address_with_line_breaks_is_never_written_to(composer: Composer) -> None:
    with pytest.raises(ValueError, match=r"line|header|newline|CR or LF"):
        read(composer, replace(message(), recipient="a@example.org\r\nBcc: b@example.org"))


def test_the_message_id_is_the_same_over_all_tries(composer: Composer) -> None:
    first = message()
    assert read(composer, first)["Message-ID"] == read(composer, first)["Message-ID"]


def test_refusals_are_final_and_outages_are_waited_out() -> None:
    assert next_try(Trouble.REFUSED, 1, NOW) is None
    assert next_try(Trouble.INVALID_ADDRESS, 1, NOW) is None
    waits = [next_try(Trouble.UNREACHABLE, tries, NOW) for tries in range(1, 12)]
    assert waits[-1] is None
    times = [wait for wait in waits if wait]
    assert times == sorted(times)
    assert sum((wait - NOW).total_seconds() for wait in times) > 24 * 3600
