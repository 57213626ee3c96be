"""How appointments end: attended, given up, missed, and what is taken back of that. One function, one transaction."""

from datetime import datetime, timedelta
from typing import Literal

import structlog

from booking.appointments import model, store
from booking.appointments.usecases import booked_services, contact
from booking.errors import CitizenHere, NotMissed, NotResumable, TooEarly
from booking.offices.model import BookableOffice
from booking.tables import Appointment
from chassis.database import Transaction
from contracts.booking import BookingNoShow, BookingResumed
from contracts.ids import AppointmentId

log = structlog.get_logger(__name__)


async def miss(
    tx: Transaction, bookable: BookableOffice, appointment: Appointment, *, actor: str, now: datetime
) -> None:
    """Marks that the citizen did not come, and publishes BookingNoShow. The rest of the time is free at once.

    The caller holds the row. Raises TooEarly before the office's grace has passed, NotMissed when it has ended or is
    erased, CitizenHere while signaling says that they wait or talk.
    """
    grace = timedelta(minutes=bookable.office.booking.no_show_minutes)
    if appointment.erased_at is not None:
        raise NotMissed
    if not model.missed(appointment.state, appointment.starts_at, now, grace=grace):
        if appointment.state == "booked":
            raise TooEarly(appointment.starts_at + grace)
        raise NotMissed
    if appointment.state == "booked" and appointment.citizen_here:
        raise CitizenHere
    await _mark_missed(tx, appointment, actor=actor, now=now)


async def resume(
    tx: Transaction, bookable: BookableOffice, appointment: Appointment, *, actor: str, now: datetime
) -> bool:
    """Takes a no-show back and publishes BookingResumed: the room opens again, and the case goes on.

    False if the time that was theirs is somebody else's by now; the call can take place all the same. The caller holds
    the row. Raises NotResumable after the appointment's day, and unless it was missed.
    """
    if appointment.erased_at is not None or appointment.state != "no_show":
        raise NotResumable("not_missed")
    if not model.resumable(appointment.state, appointment.ends_at, now, bookable.office.zone):
        raise NotResumable("another_day")
    at = max(now, appointment.changed_at + timedelta(microseconds=1))  # whoever's clock said when they were missed
    appointment_id = AppointmentId(appointment.id)
    in_time = await store.resume(tx, appointment.office, appointment_id, at)
    await tx.session.refresh(appointment)
    event = BookingResumed(
        office=appointment.office,
        appointment_id=appointment_id,
        reference=appointment.reference,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        link_generation=appointment.link_generation,
        resumed_at=at,
    )
    await tx.publish(event, actor=actor)
    return in_time


async def finish(
    tx: Transaction, office: str, appointment_id: AppointmentId, state: Literal["completed", "aborted"], at: datetime
) -> None:
    """Marks how the appointment ended. One that is cancelled, ended already or erased stays as it is."""
    if not await store.finish(tx, office, appointment_id, state, at):
        log.info("nothing_to_finish", appointment_id=str(appointment_id), state=state)


async def nobody_came(tx: Transaction, office: str, appointment_id: AppointmentId, *, actor: str, at: datetime) -> None:
    """A clerk closed the case because nobody came: the appointment was missed. One that is ended or erased stays.

    So does one of whom it was said later that they are here.
    """
    appointment = await store.appointment(tx, office, appointment_id, lock=True)
    if appointment is None or not model.unended(appointment.state) or appointment.erased_at is not None:
        return
    if appointment.resumed_at is None or at > appointment.resumed_at:
        await _mark_missed(tx, appointment, actor=actor, now=at)


async def _mark_missed(tx: Transaction, appointment: Appointment, *, actor: str, now: datetime) -> None:
    appointment.state = "no_show"
    appointment.changed_at = now
    event = BookingNoShow(
        office=appointment.office,
        appointment_id=AppointmentId(appointment.id),
        reference=appointment.reference,
        services=booked_services(appointment),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        citizen=contact(appointment),
        marked_at=now,
    )
    await tx.publish(event, actor=actor)
