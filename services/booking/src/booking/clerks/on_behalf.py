"""What clerks do with citizens' appointments, in their own office alone: one function, one transaction."""

from collections.abc import Sequence
from datetime import datetime

from booking.appointments import contact, endings, model, store, summaries, usecases
from booking.appointments.links import Booked
from booking.appointments.orders import Move, Order
from booking.clerks.views import OfficeAppointmentRequest, OfficeMoveRequest
from booking.dependencies import Dependencies
from booking.errors import AppointmentUnknown
from booking.offices.model import BookableOffice
from booking.tables import Appointment
from chassis.database import Row, Transaction
from contracts.actors import Clerk
from contracts.ids import AppointmentId


def order(request: OfficeAppointmentRequest) -> Order:
    """What a clerk asks for in a citizen's name: without lead time, and not counted against the citizen's limit."""
    return Order(
        request.booked(),
        request.starts_at,
        request.contact(),
        needs=request.needed(),
        channel="office",
        at_once=True,
        kept=True,
        lanes=None if request.lane is None else frozenset({request.lane}),
    )


async def appointment(
    tx: Transaction, clerk: Clerk, appointment_id: AppointmentId, *, lock: bool = False
) -> Appointment:
    """An appointment of the clerk's office. Raises AppointmentUnknown, for another office's as well."""
    found = await store.appointment(tx, clerk.office, appointment_id, lock=lock)
    if found is None:
        raise AppointmentUnknown
    return found


def move_to(request: OfficeMoveRequest, clerk: Clerk) -> Move:
    """Where a clerk moves an appointment, for `appointments.usecases.move`: at once, to the lane that they name."""
    lanes = None if request.lane is None else frozenset({request.lane})
    return Move(request.starts_at, by="office", actor=clerk.name, lanes=lanes, kept=True)


async def correct(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    appointment_id: AppointmentId,
    new: contact.Contact,
    *,
    clerk: Clerk,
    now: datetime,
) -> Booked:
    """Corrects where the citizen is written to; everything is mailed there. Raises AppointmentUnknown, LinkExpired."""
    found = await appointment(tx, clerk, appointment_id, lock=True)
    return await contact.correct_it(deps, tx, bookable, found, new, actor=clerk.name, now=now)


async def cancel(
    deps: Dependencies, tx: Transaction, appointment_id: AppointmentId, *, clerk: Clerk, now: datetime
) -> Appointment:
    """Cancels an appointment; the citizen is told. One that is cancelled already stays so.

    Raises AppointmentUnknown, NotCancellable.
    """
    found = await appointment(tx, clerk, appointment_id, lock=True)
    if found.state != "cancelled":
        await usecases.cancel_it(deps, tx, found, by="office", actor=clerk.name, now=now)
    return found


async def resume(
    tx: Transaction, bookable: BookableOffice, appointment_id: AppointmentId, *, clerk: Clerk, now: datetime
) -> tuple[Appointment, Sequence[Row]]:
    """Takes back that nobody came; also who has the clerk's time by now. One that is taken back already stays so.

    Raises AppointmentUnknown, NotResumable.
    """
    found = await appointment(tx, clerk, appointment_id, lock=True)
    if not model.awaited(found.state, found.resumed_at, now):
        await endings.resume(tx, bookable, found, actor=clerk.name, now=now)
    others = await summaries.to_come(tx, clerk.office, now, lane=found.lane, low=found.starts_at, high=found.ends_at)
    return found, [row for row in others if row["id"] != found.id]


async def miss(
    tx: Transaction, bookable: BookableOffice, appointment_id: AppointmentId, *, clerk: Clerk, now: datetime
) -> Appointment:
    """Marks that nobody came. One that is marked already stays so. Raises AppointmentUnknown, TooEarly, NotMissed."""
    found = await appointment(tx, clerk, appointment_id, lock=True)
    if found.state != "no_show":
        await endings.miss(tx, bookable, found, actor=clerk.name, now=now)
    return found
