"""What travels over HTTP before an appointment stands. Answers name every field that may leave."""

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, Field

from booking.appointments.usecases import booked_services
from booking.appointments.views import BookedServiceView
from booking.confirming import model
from booking.confirming.model import Reserved
from booking.confirming.usecases import Reservation
from booking.offices.model import BookableOffice
from chassis.http import Body
from contracts.ids import OfficeSlug
from contracts.people import PersonEmail
from contracts.text import Language


class MailRequest(Body):
    """Mail the question once more; with `email`, to that address from now on."""

    email: PersonEmail | None = None


class Asked(BaseModel):
    """What is kept of having asked once more: that it was done. The address belongs to the reservation alone."""


class ReservationView(BaseModel):
    """A time that is kept for who has booked it, until `confirm_by`, or what became of it."""

    office: OfficeSlug
    state: Reserved
    starts_at: datetime
    ends_at: datetime
    services: list[BookedServiceView]
    email: str | None = Field(description="Where the question went, as long as it is not answered.")
    mails_left: int = Field(description="How many more mails can be asked for, anew or to another address.")
    mail_returned: bool = Field(description="The question could not be delivered; the address may be wrong.")
    confirm_by: datetime | None
    language: Language

    @classmethod
    def of(cls, found: Reservation, bookable: BookableOffice) -> Self:
        """`found` for the one who has booked. Once it stands they see what the mailbox may see no more than others."""
        kept, appointment = found.state == "kept", found.appointment
        return cls(
            office=bookable.office.slug,
            state=found.state,
            starts_at=appointment.starts_at.astimezone(UTC),
            ends_at=appointment.ends_at.astimezone(UTC),
            services=[BookedServiceView.of(service, bookable) for service in booked_services(appointment)],
            email=appointment.email if kept else None,
            mails_left=model.mails_left(appointment.confirm_mails) if kept else 0,
            mail_returned=kept and appointment.confirm_returned,
            confirm_by=appointment.confirm_by.astimezone(UTC) if appointment.confirm_by else None,
            language=appointment.language,
        )


class ConfirmationView(BaseModel):
    """What somebody is asked to confirm, or what became of it. No name and no services: it may be a stranger."""

    office: OfficeSlug
    state: Reserved
    starts_at: datetime
    ends_at: datetime
    confirm_by: datetime | None
    language: Language
    link: str | None = Field(description="The appointment's secret link, for who has just confirmed.")

    @classmethod
    def of(cls, found: Reservation, bookable: BookableOffice) -> Self:
        """`found` for who reads the mail."""
        appointment = found.appointment
        return cls(
            office=bookable.office.slug,
            state=found.state,
            starts_at=appointment.starts_at.astimezone(UTC),
            ends_at=appointment.ends_at.astimezone(UTC),
            confirm_by=appointment.confirm_by.astimezone(UTC) if appointment.confirm_by else None,
            language=appointment.language,
            link=found.link,
        )
