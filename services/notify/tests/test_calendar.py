"""The calendar entry as others read it: a second library, and a checker that knows the RFCs and nothing of ours."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from calendar_check import Entry, NotACalendar, check
from ical.calendar_stream import IcsCalendarStream

from chassis.database import Database
from contracts.base import Event, Meta
from contracts.catalogue import load_catalogue
from contracts.ids import AppointmentId
from contracts.offices import Office
from notify import usecases
from notify.calendar import Appointment, calendar
from notify.mail import Composer

BERLIN = ZoneInfo("Europe/Berlin")
BOOKED, MOVED, OFF = "booking.completed.v1", "booking.rescheduled.v1", "booking.cancelled.v1"


def entry(starts_at: datetime = datetime(2026, 12, 1, 8, tzinfo=UTC), **changes: Any) -> Appointment:
    given: dict[str, Any] = {
        "uid": "0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10@schalter",
        "sequence": 0,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=15),
        "zone": BERLIN,
        "summary": "Bürgeramt: Führungszeugnis; Personalausweis, " + "ä" * 100,
        "link": "http://localhost:8080/heidelberg/appointment#" + "x" * 400,
        "organizer": "buergeramt@heidelberg.example",
        "attendee": "amelie@example.org",
        "stamp": datetime(2026, 11, 22, 8, tzinfo=UTC),
    }
    return Appointment(**given | changes)


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


@pytest.mark.parametrize("cancelled", [False, True])
def test_the_entry_keeps_every_rule_of_the_checker(cancelled: bool) -> None:
    read = check(calendar(entry(), cancelled=cancelled).encode())
    assert read.method == ("CANCEL" if cancelled else "REQUEST")
    assert read.starts_at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert read.ends_at == datetime(2026, 12, 1, 8, 15, tzinfo=UTC)
    assert read.summary == entry().summary
    assert read.alarms == 1


@pytest.mark.parametrize(
    "starts_at",
    [
        datetime(2026, 3, 29, 0, 45, tzinfo=UTC),  # 01:45, a quarter of an hour before the clocks go forward
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),  # 03:00, the first moment of summer time
        datetime(2026, 7, 1, 10, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),  # the second 02:30 of the night
        datetime(2026, 12, 31, 23, 0, tzinfo=UTC),  # the next year by the office's clock
        datetime(2031, 6, 1, 10, 0, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_its_own_time_zone_explains_its_times_rightly(starts_at: datetime, zone: str) -> None:
    appointment = entry(starts_at, zone=ZoneInfo(zone))
    read = check(calendar(appointment, cancelled=False).encode())
    assert (read.starts_at, read.ends_at) == (starts_at, starts_at + timedelta(minutes=15))


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_second_library_reads_the_same(cancelled: bool) -> None:
    appointment = entry()
    read = IcsCalendarStream.calendar_from_ics(calendar(appointment, cancelled=cancelled))
    (event,) = read.events
    assert read.method == ("CANCEL" if cancelled else "REQUEST")
    assert (event.uid, event.sequence, event.summary) == (appointment.uid, 0, appointment.summary)
    assert (event.dtstart, event.dtend) == (appointment.starts_at, appointment.ends_at)
    assert event.organizer is not None
    assert str(event.organizer.uri) == "mailto:buergeramt@heidelberg.example"
    assert [str(attendee.uri) for attendee in event.attendees] == ["mailto:amelie@example.org"]


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


def _broken(old: bytes, new: bytes) -> bytes:
    good = calendar(entry(), cancelled=False).encode()
    assert old in good
    return good.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\nSEQUENCE:0", b""),
        (b"\r\n", b"\n"),
        (b"\r\n x", b"x"),
        (b"TZID:Europe/Berlin", b"TZID:Europe/Paris"),
        (b"TZOFFSETTO:+0100", b"TZOFFSETTO:+0200"),
        (b"STATUS:CONFIRMED", b"STATUS:CANCELLED"),
        (b"END:VEVENT", b"END:VTODO"),
        (b"\r\nUID:", b"\r\nX-UID:"),
        (b"DTEND;TZID=Europe/Berlin:20261201T0915", b"DTEND;TZID=Europe/Berlin:20261201T0815"),
    ],
)
def test_the_checker_finds_what_is_wrong(old: bytes, new: bytes) -> None:
    with pytest.raises(NotACalendar):
        check(_broken(old, new))


def test_the_uid_names_the_appointment() -> None:
    appointment_id = UUID("0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10")
    assert str(appointment_id) in check(calendar(entry(), cancelled=False).encode()).uid
