"""The calendar entry of an appointment (iCalendar, RFC 5545; invitations, RFC 5546)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vCalAddress

from notify.timezone import ambiguous, vtimezone


@dataclass(frozen=True)
class Appointment:
    """What the entry says. `uid` stays over all changes, `sequence` rises with each."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    summary: str
    link: str | None
    organizer: str
    attendee: str
    stamp: datetime


def calendar(appointment: Appointment, *, cancelled: bool) -> str:
    """A VCALENDAR with METHOD:REQUEST, or METHOD:CANCEL for the same entry when `cancelled`."""
    event = Event()
    event.add("uid", appointment.uid)
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", appointment.stamp)
    repeated = any(ambiguous(instant, appointment.zone) for instant in (appointment.starts_at, appointment.ends_at))
    zone = UTC if repeated else appointment.zone
    event.add("dtstart", appointment.starts_at.astimezone(zone))
    event.add("dtend", appointment.ends_at.astimezone(zone))
    event.add("summary", appointment.summary)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("organizer", vCalAddress(f"mailto:{appointment.organizer}"))
    attendee = vCalAddress(f"mailto:{appointment.attendee}")
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    event.add("attendee", attendee)
    if appointment.link:
        event.add("url", appointment.link)
        event.add("location", appointment.link)
        event.add_component(_alarm(appointment.summary))
    entry = Calendar()
    entry.add("prodid", "-//Schalter//Appointment//DE")
    entry.add("version", "2.0")
    entry.add("method", "CANCEL" if cancelled else "REQUEST")
    entry.add_component(vtimezone(appointment.zone, appointment.starts_at.year))
    entry.add_component(event)
    content: bytes = entry.to_ical()
    return content.decode()


def _alarm(summary: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", timedelta(minutes=-15))
    return alarm
