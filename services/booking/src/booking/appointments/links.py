"""The secret links to appointments: whoever has one acts as the citizen. And those before an appointment stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from booking.dependencies import Dependencies
from booking.offices.model import BookableOffice
from booking.slots.model import Slot
from booking.tables import Appointment
from contracts.ids import AppointmentId

FIRST_GENERATION: Final = 1


@dataclass(frozen=True)
class Booked:
    """An appointment with the secret link to it. With `confirm_by` a time that is kept until then, and its page."""

    appointment_id: AppointmentId
    reference: str
    slot: Slot
    link: str
    confirm_by: datetime | None = None


def as_it_is(deps: Dependencies, bookable: BookableOffice, appointment: Appointment, now: datetime) -> Booked:
    """An appointment as it is, for who asks for what they have."""
    slot = Slot(appointment.starts_at, appointment.ends_at)
    link = link_of(deps, bookable, appointment, now)
    return Booked(AppointmentId(appointment.id), appointment.reference, slot, link)


def link_of(deps: Dependencies, bookable: BookableOffice, appointment: Appointment, now: datetime) -> str:
    """The link to an appointment as it is: the same rights as in the mail."""
    return link(deps, bookable, token_of(deps, bookable, appointment, now))


def token_of(deps: Dependencies, bookable: BookableOffice, appointment: Appointment, now: datetime) -> str:
    """The token of that link, signed anew."""
    slot = Slot(appointment.starts_at, appointment.ends_at)
    return link_token(deps, bookable, AppointmentId(appointment.id), appointment.link_generation, slot, now)


def link(deps: Dependencies, bookable: BookableOffice, token: str) -> str:
    """The page of an appointment; the token is in the fragment, which browsers keep to themselves."""
    return f"{deps.public_origin}/{bookable.office.slug}/appointment#{token}"


def link_token(
    deps: Dependencies,
    bookable: BookableOffice,
    appointment_id: AppointmentId,
    generation: int,
    slot: Slot,
    now: datetime,
) -> str:
    """The link lives as long as the appointment's data does."""
    claims = {"sub": str(appointment_id), "office": bookable.office.slug, "gen": generation}
    expires_at = slot.ends_at + timedelta(days=bookable.office.retention.appointment_days)
    return deps.links.sign(claims, now=now, expires_at=expires_at)


def reservation_link(
    deps: Dependencies, bookable: BookableOffice, appointment_id: AppointmentId, slot: Slot, now: datetime
) -> str:
    """The page of who has booked, as long as they have not confirmed their address; afterwards it says what became
    of it."""
    claims = {"sub": str(appointment_id), "office": bookable.office.slug}
    token = deps.reservation_links.sign(claims, now=now, expires_at=slot.ends_at)
    return f"{deps.public_origin}/{bookable.office.slug}/reserved#{token}"


def confirm_token(
    deps: Dependencies,
    bookable: BookableOffice,
    appointment_id: AppointmentId,
    revision: int,
    slot: Slot,
    now: datetime,
) -> str:
    """The right to confirm the address of this `revision`; it says what became of it until the appointment is over."""
    claims = {"sub": str(appointment_id), "office": bookable.office.slug, "gen": revision}
    return deps.confirm_links.sign(claims, now=now, expires_at=slot.ends_at)
