"""The calendar entry of an appointment for those who add it by hand: the same as the one in the mail."""

from datetime import datetime

from booking.appointments.links import link_of
from booking.appointments.usecases import booked_services
from booking.dependencies import Dependencies
from booking.offices.model import BookableOffice
from booking.tables import Appointment
from contracts import calendar
from contracts.calendar import Organizer
from contracts.ids import AppointmentId


def entry(deps: Dependencies, appointment: Appointment, bookable: BookableOffice, now: datetime) -> bytes:
    """A VCALENDAR with the appointment, and the link to it. What has taken place stays confirmed."""
    office_name = bookable.office.name.in_language(appointment.language)
    services = [
        bookable.services[service.service_id].name.in_language(appointment.language)
        for service in booked_services(appointment)
        if service.service_id in bookable.services
    ]
    return calendar.calendar(
        calendar.Appointment(
            appointment_id=AppointmentId(appointment.id),
            revision=calendar.revision(appointment.link_generation),
            reference=appointment.reference,
            starts_at=appointment.starts_at,
            ends_at=appointment.ends_at,
            zone=bookable.office.zone,
            language=appointment.language,
            office_name=office_name,
            services=services,
            link=link_of(deps, bookable, appointment, now),
            organizer=Organizer(office_name, deps.mail_from),
            attendee=None,
            stamp=now,
        ),
        "PUBLISH",
    ).encode()
