"""Whether a citizen is reminded of their appointment. notify writes the reminders, and hears of the choice."""

from datetime import datetime

from booking.appointments import model, usecases
from booking.offices.model import BookableOffice
from booking.tables import Appointment
from chassis.database import Transaction
from contracts.actors import Citizen
from contracts.booking import RemindersChosen
from contracts.ids import AppointmentId


async def choose(tx: Transaction, citizen: Citizen, *, wanted: bool) -> Appointment:
    """The holder of the link wants reminders of this appointment, or none, wherever it moves. Again is no error.

    Raises AppointmentUnknown, LinkExpired.
    """
    appointment = await usecases.appointment_of(tx, citizen, lock=True)
    if appointment.reminders_declined is wanted:
        appointment.reminders_declined = not wanted
        appointment.reminders_revision += 1
        event = RemindersChosen(
            office=appointment.office,
            appointment_id=AppointmentId(appointment.id),
            wanted=wanted,
            revision=appointment.reminders_revision,
        )
        await tx.publish(event, actor=citizen.name)
    return appointment


def chosen(appointment: Appointment, bookable: BookableOffice, now: datetime) -> bool | None:
    """Whether the citizen is reminded; None where nobody would be: it has begun or ended, or the office does not.

    Who came without an appointment is there already.
    """
    reminds = bool(bookable.office.notify.reminder_minutes) and appointment.channel != "walk_in"
    if not reminds or not model.changeable(appointment.state, appointment.starts_at, now):
        return None
    return not appointment.reminders_declined
