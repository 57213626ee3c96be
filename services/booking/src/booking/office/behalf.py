"""What clerks do with citizens' appointments, in their own office alone: one function, one transaction."""

from collections.abc import Sequence
from datetime import datetime

from booking.appointments import store, usecases
from booking.appointments.usecases import Booked, Order, booked_services
from booking.desk import Desk
from booking.errors import AppointmentUnknown
from booking.offers.model import Offer
from booking.office.views import OfficeAppointmentRequest, OfficeMoveRequest
from booking.slots.holds import HeldBusy
from booking.slots.usecases import Wish
from booking.tables import Appointment
from chassis.database import Transaction
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


async def wish_to_move(tx: Transaction, clerk: Clerk, appointment_id: AppointmentId) -> Wish:
    """What to look for when an appointment shall move: as long, and its own time does not count as taken."""
    found = await appointment(tx, clerk, appointment_id)
    services = tuple(service.service_id for service in booked_services(found))
    return Wish(services, found.ends_at - found.starts_at, own_appointment=appointment_id)


async def move(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    appointment_id: AppointmentId,
    request: OfficeMoveRequest,
    holds: Sequence[HeldBusy],
    *,
    clerk: Clerk,
    now: datetime,
) -> Booked:
    """Moves an appointment; the citizen is told. Raises AppointmentUnknown, NotMovable, SlotNotOffered, SlotTaken."""
    return await usecases.move(
        desk,
        tx,
        offer,
        await appointment(tx, clerk, appointment_id, lock=True),
        request.starts_at,
        holds,
        by="office",
        actor=clerk.name,
        now=now,
        lanes=None if request.lane is None else frozenset({request.lane}),
    )


async def cancel(
    desk: Desk, tx: Transaction, appointment_id: AppointmentId, *, clerk: Clerk, now: datetime
) -> Appointment:
    """Cancels an appointment; the citizen is told. One that is cancelled already stays so.

    Raises AppointmentUnknown, NotCancellable.
    """
    found = await appointment(tx, clerk, appointment_id, lock=True)
    if found.state != "cancelled":
        await usecases.cancel_it(desk, tx, found, by="office", actor=clerk.name, now=now)
    return found


async def miss(
    tx: Transaction, offer: Offer, appointment_id: AppointmentId, *, clerk: Clerk, now: datetime
) -> Appointment:
    """Marks that nobody came. One that is marked already stays so. Raises AppointmentUnknown, TooEarly, NotMissed."""
    found = await appointment(tx, clerk, appointment_id, lock=True)
    if found.state != "no_show":
        await usecases.miss(tx, offer, found, actor=clerk.name, now=now)
    return found
