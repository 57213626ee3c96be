"""What can be done before an appointment stands: one function, one transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from booking.appointments import usecases as appointments
from booking.appointments.links import FIRST_GENERATION, link_of, token_of
from booking.appointments.orders import asked
from booking.confirming import model, store
from booking.confirming.model import Reserved
from booking.dependencies import Dependencies
from booking.errors import ConfirmMailsUsedUp, LinkExpired, NotConfirmedInTime, NotReserved
from booking.offices import model as offices
from booking.offices.model import BookableOffice
from booking.tables import Appointment
from chassis.database import Database, Transaction
from contracts.actors import Addressee, Booker
from contracts.booking import BookingCompleted, BookingErased
from contracts.ids import AppointmentId

#: How many reservations a round of the worker frees at once.
BATCH: Final = 100


@dataclass(frozen=True)
class Reservation:
    """A time that is kept, or what became of it, and the appointment's link for who has confirmed."""

    appointment: Appointment
    state: Reserved
    link: str | None = None


async def reservation_of(tx: Transaction, booker: Booker, now: datetime) -> Reservation:
    """What became of what somebody has booked. Raises NotConfirmedInTime."""
    return _still(await store.reservation(tx, booker.office, booker.sub), now)


async def asked_of(tx: Transaction, addressee: Addressee, now: datetime) -> Reservation:
    """What somebody is asked to confirm. Looking confirms nothing. Raises NotConfirmedInTime, LinkExpired."""
    found = _still(await store.reservation(tx, addressee.office, addressee.sub), now)
    _same_address(found, addressee)
    return found


async def confirm(deps: Dependencies, tx: Transaction, addressee: Addressee, now: datetime) -> Reservation:
    """The address is theirs: the appointment stands from now on, and BookingCompleted is published, once.

    Repeating it changes nothing. The link is given as long as it is the one that was mailed then: after a move or
    another address it is others' to hand out. Raises NotConfirmedInTime, LinkExpired.
    """
    found = _still(await store.reservation(tx, addressee.office, addressee.sub, lock=True), now)
    _same_address(found, addressee)
    appointment, bookable = found.appointment, offices.find(deps.offices, addressee.office)
    if found.state == "kept":
        appointment.confirm_by = appointment.confirm_question = None
        appointment.confirm_returned = False
        appointment.changed_at = now
        await tx.publish(_event(deps, bookable, appointment, now), actor=addressee.name)
    elif found.state == "cancelled" or appointment.link_generation != FIRST_GENERATION or appointment.erased_at:
        return found
    return Reservation(appointment, "confirmed", link_of(deps, bookable, appointment, now))


async def ask_again(
    deps: Dependencies, tx: Transaction, booker: Booker, email: str | None, now: datetime
) -> Reservation:
    """Whoever booked has the question mailed once more, or to another address; then the mail before is worth nothing.

    The time is not kept for longer. Raises NotConfirmedInTime, NotReserved when it stands already, ConfirmMailsUsedUp.
    """
    found = _still(await store.reservation(tx, booker.office, booker.sub, lock=True), now)
    appointment = found.appointment
    if found.state != "kept" or appointment.confirm_by is None:
        raise NotReserved
    if not model.mails_left(appointment.confirm_mails):
        raise ConfirmMailsUsedUp
    if email is not None and email.casefold() != appointment.email.casefold():
        appointment.contact_revision += 1
        appointment.email = email
    appointment.confirm_mails += 1
    appointment.changed_at = now
    bookable = offices.find(deps.offices, booker.office)
    event = _event(deps, bookable, appointment, now)
    question = asked(deps, bookable, event, appointment.contact_revision, appointment.confirm_by, now)
    appointment.confirm_question = (await tx.publish(question, actor=booker.name)).id
    appointment.confirm_returned = False
    return found


async def free_unconfirmed(database: Database, office: str, now: datetime) -> int:
    """Frees what was not confirmed in time, and forgets who it was, everywhere; how many. Several processes may."""
    async with database.transaction() as tx:
        gone = await store.delete_unconfirmed(tx, office, now, limit=BATCH)
        for appointment_id in gone:
            await tx.publish(_erased(office, appointment_id, now), actor="system:booking")
    return len(gone)


def _still(appointment: Appointment | None, now: datetime) -> Reservation:
    state = model.reserved(appointment.state, appointment.confirm_by, now) if appointment else None
    if appointment is None or state is None:
        raise NotConfirmedInTime
    return Reservation(appointment, state)


def _same_address(found: Reservation, addressee: Addressee) -> None:
    if found.state == "kept" and found.appointment.contact_revision != addressee.gen:
        raise LinkExpired("Another address was given since then; the e-mail that went there counts.")


def _event(deps: Dependencies, bookable: BookableOffice, appointment: Appointment, now: datetime) -> BookingCompleted:
    return BookingCompleted(
        office=appointment.office,
        appointment_id=AppointmentId(appointment.id),
        reference=appointment.reference,
        services=appointments.booked_services(appointment),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        citizen=appointments.contact(appointment),
        link_token=token_of(deps, bookable, appointment, now),
        link_generation=appointment.link_generation,
        needs=appointments.needs(appointment),
        channel=appointment.channel,
    )


def _erased(office: str, appointment_id: UUID, now: datetime) -> BookingErased:
    return BookingErased(office=office, appointment_id=AppointmentId(appointment_id), erased_at=now)
