"""What can be done about a lost link: one function, one transaction."""

from datetime import datetime
from typing import Final

from booking.appointments.links import token_of
from booking.appointments.usecases import booked_services, contact
from booking.dependencies import Dependencies
from booking.lost_links import model, store
from booking.lost_links.store import Asked
from booking.offices.model import BookableOffice
from booking.tables import Appointment
from chassis.database import Database, Transaction
from contracts.booking import LinkAsked
from contracts.ids import AppointmentId

BATCH: Final = 50


async def ask(deps: Dependencies, tx: Transaction, office: str, asked: Asked, now: datetime) -> None:
    """Somebody has lost their link. Whether there is such an appointment is looked up later, by the worker: answer and
    timing tell nothing."""
    await store.ask(tx, office, asked, now)
    tx.after_commit(deps.link_asked)


async def mail_lost(deps: Dependencies, database: Database, bookable: BookableOffice, now: datetime) -> int:
    """Publishes LinkAsked for what was asked at an office, where reference and address belong together; how many.

    The link is the one that is good: a stranger who asks must not put out whoever is in the call by it. It goes to the
    address on record alone, `model.MAX_A_DAY` times a day. Several processes may.
    """
    today = now.astimezone(bookable.office.zone).date()
    mailed = 0
    async with database.transaction() as tx:
        for asked in await store.take(tx, bookable.office.slug, limit=BATCH):
            appointment = await store.appointment(tx, bookable.office.slug, asked)
            if appointment is None:
                continue
            before = model.mailed_today(appointment.links_mailed, appointment.links_mailed_on, today)
            if before >= model.MAX_A_DAY:
                continue
            appointment.links_mailed, appointment.links_mailed_on = before + 1, today
            await tx.session.flush()
            await tx.publish(_event(deps, bookable, appointment, now), actor="citizen")
            mailed += 1
    return mailed


def _event(deps: Dependencies, bookable: BookableOffice, appointment: Appointment, now: datetime) -> LinkAsked:
    return LinkAsked(
        office=appointment.office,
        appointment_id=AppointmentId(appointment.id),
        reference=appointment.reference,
        services=booked_services(appointment),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        citizen=contact(appointment),
        link_token=token_of(deps, bookable, appointment, now),
        link_generation=appointment.link_generation,
    )
