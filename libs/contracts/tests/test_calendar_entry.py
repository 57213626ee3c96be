"""The calendar entry as others read it: a second library, and a checker that knows the RFCs and nothing of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from calendar_check import NotACalendar, check
from ical.calendar_stream import IcsCalendarStream

from contracts.booking import calendar_uid
from contracts.calendar import Appointment, Organizer, calendar, revision
from contracts.ids import AppointmentId

BERLIN = ZoneInfo("Europe/Berlin")


def entry(starts_at: datetime = datetime(2026, 12, 1, 8, tzinfo=UTC), **changes: Any) -> Appointment:
    given: dict[str, Any] = {
        "appointment_id": AppointmentId(UUID("0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10")),
        "revision": 0,
        "reference": "HD-7K3M9Q",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=15),
        "zone": BERLIN,
        "language": "de",
        "office_name": "Bürgeramt",
        "services": ["Führungszeugnis; Personalausweis", "ä" * 100],
        "link": "http://localhost:8080/heidelberg/appointment#" + "x" * 400,
        "organizer": Organizer('Bürgeramt "am Neckar"', "noreply@schalter.example"),
        "attendee": "amelie@example.org",
        "stamp": datetime(2026, 11, 22, 8, tzinfo=UTC),
    }
    return Appointment(**given | changes)


@pytest.mark.parametrize("cancelled", [False, True])
def test_the_entry_keeps_every_rule_of_the_checker(cancelled: bool) -> None:
    read = check(calendar(entry(), "CANCEL" if cancelled else "REQUEST").encode())
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
    read = check(calendar(appointment, "REQUEST").encode())
    assert (read.starts_at, read.ends_at) == (starts_at, starts_at + timedelta(minutes=15))


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_second_library_reads_the_same(cancelled: bool) -> None:
    appointment = entry()
    read = IcsCalendarStream.calendar_from_ics(calendar(appointment, "CANCEL" if cancelled else "REQUEST"))
    (event,) = read.events
    assert read.method == ("CANCEL" if cancelled else "REQUEST")
    assert (event.uid, event.sequence, event.summary) == (
        calendar_uid(appointment.appointment_id),
        0,
        appointment.summary,
    )
    assert (event.dtstart, event.dtend) == (appointment.starts_at, appointment.ends_at)
    assert event.organizer is not None
    assert str(event.organizer.uri) == "mailto:noreply@schalter.example"
    assert [str(attendee.uri) for attendee in event.attendees] == ["mailto:amelie@example.org"]


def _broken(old: bytes, new: bytes) -> bytes:
    good = calendar(entry(), "REQUEST").encode()
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
    assert str(appointment_id) in check(calendar(entry(), "REQUEST").encode()).uid


def test_a_file_to_add_by_hand_is_the_same_entry_and_invites_nobody() -> None:
    mailed, by_hand = (calendar(entry(), method) for method in ("REQUEST", "PUBLISH"))
    check(by_hand.encode())
    assert "ATTENDEE" not in by_hand
    lines = [line for line in mailed.replace("\r\n ", "").split("\r\n") if not line.startswith(("ATTENDEE", "METHOD"))]
    assert lines == [line for line in by_hand.replace("\r\n ", "").split("\r\n") if not line.startswith("METHOD")]


@pytest.mark.parametrize("language", ["de", "en"])
def test_it_asks_for_no_answer_and_says_the_way_to_cancel(language: Any) -> None:
    said = calendar(entry(language=language), "REQUEST").replace("\r\n ", "")
    assert "RSVP=FALSE" in said
    assert "Link" in entry(language="de").note
    assert entry(language=language).note.replace(",", "\\,") in said


def test_every_renewal_of_the_link_is_a_revision_and_the_cancellation_comes_last() -> None:
    assert [revision(1), revision(2), revision(2, cancelled=True)] == [0, 1, 2]
