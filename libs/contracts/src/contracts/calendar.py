"""The calendar entry of an appointment (iCalendar, RFC 5545; invitations, RFC 5546): one writer, whoever hands it out.

Written line by line: a library's objects for it cost 1.3 ms. Other libraries read it back in the tests.
docs/adr/0026 says why it is as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from contracts.booking import calendar_uid
from contracts.ids import AppointmentId
from contracts.text import Language, Localised
from contracts.timezone import ambiguous, vtimezone

_LINE_BYTES: Final = 74
_ESCAPED: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


#: Invite or change (in mails), take away (in mails), and a file for those who add it by hand.
Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
_NOTE: Final = Localised(
    de="Terminnummer {number}. Verlegen und absagen: über den Link. Antworten aus Kalendern erreichen uns nicht.",
    en="Appointment number {number}. To move or cancel it, use the link. Answers from calendars do not reach us.",
)


@dataclass(frozen=True)
class Organizer:
    """Whom the entry is from. Calendars act on a mail only if it is from there: the address that mails come from."""

    name: str
    address: str


@dataclass(frozen=True)
class Appointment:
    """What the entry says, in `language`. Calendars ignore a `revision` that is older than what they have."""

    appointment_id: AppointmentId
    revision: int
    reference: str
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    language: Language
    office_name: str
    services: Sequence[str]
    link: str | None
    organizer: Organizer
    attendee: str | None
    stamp: datetime

    @property
    def summary(self) -> str:
        """What stands in the calendar."""
        return f"{self.office_name}: {', '.join(self.services)}"

    @property
    def note(self) -> str:
        """What stands in the entry, once it is opened."""
        return _NOTE.in_language(self.language).format(number=self.reference)


def revision(generation: int, *, cancelled: bool = False) -> int:
    """The SEQUENCE of the entry: how often the link was renewed; a cancellation comes after all of it."""
    return generation if cancelled else generation - 1


def calendar(appointment: Appointment, method: Method) -> str:
    """A VCALENDAR with that METHOD. A file to add by hand invites nobody (RFC 5546, 3.2.1)."""
    return "".join(
        (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Schalter//Appointment//DE\r\n",
            f"METHOD:{method}\r\n",
            _zone(appointment.zone, appointment.starts_at.year),
            *(_folded(line) for line in _event(appointment, method)),
            "END:VCALENDAR\r\n",
        )
    )


@lru_cache(maxsize=64)
def _zone(zone: ZoneInfo, year: int) -> str:
    content: bytes = vtimezone(zone, year).to_ical()
    return content.decode()


def _event(appointment: Appointment, method: Method) -> Iterator[str]:
    summary = appointment.summary.translate(_ESCAPED)
    starts_at, ends_at = appointment.starts_at, appointment.ends_at
    repeated = any(ambiguous(instant, appointment.zone) for instant in (starts_at, ends_at))
    zone = None if repeated else appointment.zone
    yield "BEGIN:VEVENT"
    yield f"SUMMARY:{summary}"
    yield f"DTSTART{_time(starts_at, zone)}"
    yield f"DTEND{_time(ends_at, zone)}"
    yield f"DTSTAMP{_time(appointment.stamp, None)}"
    yield f"UID:{calendar_uid(appointment.appointment_id)}"
    yield f"SEQUENCE:{appointment.revision}"
    if appointment.attendee and method != "PUBLISH":
        yield f"ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:{_bare(appointment.attendee)}"
    yield "CLASS:PRIVATE"
    if appointment.link:
        yield f"LOCATION:{appointment.link.translate(_ESCAPED)}"
        yield f"DESCRIPTION:{appointment.note.translate(_ESCAPED)}"
    name = "".join(c for c in appointment.organizer.name if c.isprintable() and c != '"')
    yield f'ORGANIZER;CN="{name}":mailto:{_bare(appointment.organizer.address)}'
    yield f"STATUS:{'CANCELLED' if method == 'CANCEL' else 'CONFIRMED'}"
    if appointment.link:
        yield f"URL:{_bare(appointment.link)}"
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{summary}", "TRIGGER:-PT15M", "END:VALARM")
    yield "END:VEVENT"


def _time(instant: datetime, zone: ZoneInfo | None) -> str:
    """What follows the name of a property that holds a time: by the clocks of `zone`, or in UTC."""
    if zone is None or zone.key == "UTC":
        return f":{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f";TZID={zone.key}:{instant.astimezone(zone):%Y%m%dT%H%M%S}"


def _bare(address: str) -> str:
    """A value that is not text: nothing in it is escaped, and no line ends in it."""
    return "".join(address.splitlines())


def _folded(line: str) -> str:
    """`line` in pieces of fewer than 75 bytes, none of which ends within a character (RFC 5545, 3.1)."""
    if len(line) <= _LINE_BYTES and line.isascii():
        return f"{line}\r\n"
    rest = line.encode()
    pieces = []
    room = _LINE_BYTES
    while len(rest) > room:
        end = room
        while rest[end] & 0xC0 == 0x80:  # within a character of several bytes
            end -= 1
        pieces.append(rest[:end])
        rest = rest[end:]
        room = _LINE_BYTES - 1  # a space leads
    return b"\r\n ".join([*pieces, rest]).decode() + "\r\n"
