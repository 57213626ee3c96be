"""The calendar entry of an appointment (iCalendar, RFC 5545) for those who add it by hand.

It carries the UID of the entry in the mail, so that a calendar that gets both shows one.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event

from booking.appointments.usecases import booked_services
from booking.offers.model import Offer
from booking.tables import Appointment
from contracts.booking import calendar_uid
from contracts.ids import AppointmentId

_REMIND_BEFORE: Final = timedelta(minutes=15)


def entry(appointment: Appointment, offer: Offer, now: datetime) -> bytes:
    """A VCALENDAR with the appointment, in UTC: every calendar shows it by the clock of whoever looks.

    The link is not in it: calendars are shared more freely than mails.
    """
    event = Event()
    event.add("uid", calendar_uid(AppointmentId(appointment.id)))
    event.add("sequence", appointment.link_generation - 1)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", _summary(appointment, offer))
    event.add("description", appointment.reference)
    event.add("status", "CONFIRMED" if appointment.state == "booked" else "CANCELLED")
    event.add("class", "PRIVATE")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _summary(appointment, offer))
    alarm.add("trigger", -_REMIND_BEFORE)
    event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//Schalter//Appointment//DE")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _summary(appointment: Appointment, offer: Offer) -> str:
    names = [
        offer.services[service.service_id].name.in_language(appointment.language)
        for service in booked_services(appointment)
        if service.service_id in offer.services
    ]
    return f"{offer.office.name.in_language(appointment.language)}: {', '.join(names)}"
