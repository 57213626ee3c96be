"""What travels over HTTP about appointments. Answers name every field that may leave."""

from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from pydantic import BaseModel

from booking.appointments import model
from booking.appointments.contact import Contact
from booking.appointments.links import Booked
from booking.appointments.model import State
from booking.appointments.reminders import chosen
from booking.appointments.usecases import booked_services, needs
from booking.fields import PersonRequest, StartsAt
from booking.offices.model import BookableOffice
from booking.tables import Appointment
from chassis.http import Body
from contracts.booking import BookedService, Channel, Need
from contracts.ids import AppointmentId, OfficeSlug, ServiceId
from contracts.people import PersonEmail, Phone
from contracts.text import Language, Localised


class AppointmentRequest(PersonRequest):
    """Book at this time."""

    starts_at: StartsAt
    hold_id: UUID | None = None


class MoveRequest(Body):
    """Move to this time."""

    starts_at: StartsAt
    hold_id: UUID | None = None


class ContactRequest(Body):
    """Write to this address from now on. A telephone number that is left out stays, null removes it."""

    email: PersonEmail
    phone: Phone | None = None

    def contact(self) -> Contact:
        """The same in the use case's terms."""
        return Contact(self.email, self.phone, new_phone="phone" in self.model_fields_set)


class BookedView(BaseModel):
    """The appointment stands. `link` is secret: whoever has it acts for the citizen.

    With `confirm_by` it does not stand yet: until then somebody has to say in the mailbox that the address is theirs.
    """

    appointment_id: AppointmentId
    reference: str
    starts_at: datetime
    ends_at: datetime
    link: str
    confirm_by: datetime | None = None

    @classmethod
    def of(cls, booked: Booked) -> Self:
        """`booked` for the one who booked."""
        return cls(
            appointment_id=booked.appointment_id,
            reference=booked.reference,
            starts_at=booked.slot.starts_at,
            ends_at=booked.slot.ends_at,
            link=booked.link,
            confirm_by=booked.confirm_by,
        )


class BookedServiceView(BaseModel):
    """A service of an appointment."""

    service_id: ServiceId
    name: Localised | None
    options: dict[str, str]
    persons: int

    @classmethod
    def of(cls, service: BookedService, bookable: BookableOffice) -> Self:
        """`service` with its name; one that the office has dropped since then has none."""
        offered = bookable.services.get(service.service_id)
        return cls(
            service_id=service.service_id,
            name=offered.name if offered else None,
            options=service.options,
            persons=service.persons,
        )


class WaitingView(BaseModel):
    """The citizen waits for an earlier slot than theirs."""

    since: datetime


class AppointmentView(BaseModel):
    """An appointment for the one who holds its link."""

    appointment_id: AppointmentId
    office: OfficeSlug
    reference: str
    state: State
    starts_at: datetime
    ends_at: datetime
    services: list[BookedServiceView]
    name: str
    email: str
    phone: str | None
    language: Language
    time_zone: str | None
    needs: tuple[Need, ...]
    channel: Channel
    cancellable: bool
    movable: bool
    correctable: bool
    joinable_from: datetime
    awaited: bool
    waiting: WaitingView | None
    #: Null where nobody would be reminded.
    reminders: bool | None

    @classmethod
    def of(
        cls, appointment: Appointment, bookable: BookableOffice, now: datetime, *, waiting_since: datetime | None
    ) -> Self:
        """What may be done with it depends on `now`."""
        starts_at = appointment.starts_at.astimezone(UTC)
        changeable = model.changeable(appointment.state, starts_at, now)
        return cls(
            appointment_id=AppointmentId(appointment.id),
            office=appointment.office,
            reference=appointment.reference,
            state=appointment.state,
            starts_at=starts_at,
            ends_at=appointment.ends_at.astimezone(UTC),
            services=[BookedServiceView.of(service, bookable) for service in booked_services(appointment)],
            name=appointment.name,
            email=appointment.email,
            phone=appointment.phone,
            language=appointment.language,
            time_zone=appointment.time_zone,
            needs=needs(appointment),
            channel=appointment.channel,
            cancellable=changeable,
            movable=changeable,
            correctable=model.correctable(appointment.state, starts_at, appointment.contact_changes, now),
            awaited=model.awaited(appointment.state, appointment.resumed_at, now),
            joinable_from=starts_at - timedelta(minutes=bookable.office.booking.join_early_minutes),
            waiting=WaitingView(since=waiting_since.astimezone(UTC)) if waiting_since and changeable else None,
            reminders=chosen(appointment, bookable, now),
        )
