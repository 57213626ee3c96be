"""Correcting how a citizen is reached: a mistyped address must not end everything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from booking.appointments import model, store, usecases
from booking.appointments.links import Booked, link, link_token
from booking.appointments.usecases import beyond_usual, booked_services, needs
from booking.dependencies import Dependencies
from booking.entries import store as waiting
from booking.errors import CorrectionsUsedUp, LinkExpired, NotCorrectable
from booking.limits.model import Owes
from booking.offices.model import BookableOffice
from booking.slots.model import Slot
from booking.tables import Appointment
from chassis.database import Transaction
from contracts.actors import Citizen
from contracts.booking import BookingContactChanged, SlotOffered
from contracts.ids import AppointmentId

#: How long a link that may lie with a stranger goes on after the appointment, when a clerk's correction kept it: the
#: citizen may be in the call by it, and takes their papers home with it. Appointments begin late, and last.
STRAYED_LINK_LIVES: Final = timedelta(hours=2)


class _Author(NamedTuple):
    by: Literal["citizen", "office"]
    name: str


@dataclass(frozen=True)
class Contact:
    """Where to write to from now on. The telephone number stays unless there is a `new_phone` (None: no number)."""

    email: str
    phone: str | None = None
    new_phone: bool = False


async def correct(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    citizen: Citizen,
    new: Contact,
    owes: Owes,
    now: datetime,
) -> Booked:
    """The holder of the link says where to write to, as long as the appointment is to come; the answer has a new link.

    Raises AppointmentUnknown, LinkExpired, NotCorrectable, CorrectionsUsedUp, and what it `owes` if the new address
    has as many appointments to come as is usual.
    """
    appointment = await usecases.appointment_of(tx, citizen, lock=True)
    if not model.changeable(appointment.state, appointment.starts_at, now):
        raise NotCorrectable
    if not model.correctable(appointment.state, appointment.starts_at, appointment.contact_changes, now):
        raise CorrectionsUsedUp
    if new.email.casefold() != appointment.email.casefold():
        owes(await beyond_usual(tx, bookable, new.email, now))
    appointment.contact_changes += 1
    _renew_link(appointment)
    return await _change(deps, tx, bookable, appointment, new, _Author("citizen", citizen.name), now)


async def correct_it(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    appointment: Appointment,
    new: Contact,
    *,
    actor: str,
    now: datetime,
) -> Booked:
    """A clerk corrects it, as often as need be and also when all is over: then receipts go to the right address.

    The caller holds the row. From when the room is open until the matter ends the link stays, for the citizen may be in
    the call by it; `renew_strayed` replaces it afterwards. Raises LinkExpired if the citizen was erased.
    """
    if appointment.erased_at is not None:
        raise LinkExpired("All data of this person was erased.")
    room_opens = appointment.starts_at - timedelta(minutes=bookable.office.booking.join_early_minutes)
    in_room = appointment.state == "booked" and now >= room_opens
    if in_room:
        if new.email.casefold() != appointment.email.casefold():
            appointment.renew_link_at = max(appointment.ends_at, now) + STRAYED_LINK_LIVES
    elif appointment.state != "cancelled":
        _renew_link(appointment)
    return await _change(deps, tx, bookable, appointment, new, _Author("office", actor), now)


async def renew_strayed(
    deps: Dependencies, tx: Transaction, bookable: BookableOffice, now: datetime, *, limit: int = 50
) -> int:
    """Replaces up to `limit` links that corrections kept, now that nobody is in the call by them; how many.

    The citizen is written to: under the new link they find their papers, and their rights. Several processes may.
    """
    strayed = await store.strayed(tx, bookable.office.slug, now, limit=limit)
    for appointment in strayed:
        _renew_link(appointment)
        same = Contact(appointment.email)
        await _change(deps, tx, bookable, appointment, same, _Author("office", "system:booking"), now)
    return len(strayed)


def _renew_link(appointment: Appointment) -> None:
    appointment.link_generation += 1
    appointment.renew_link_at = None


async def _change(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    appointment: Appointment,
    new: Contact,
    author: _Author,
    now: datetime,
) -> Booked:
    appointment.contact_revision += 1
    appointment.email = new.email
    if new.new_phone:
        appointment.phone = new.phone
    appointment.changed_at = now
    appointment_id = AppointmentId(appointment.id)
    slot = Slot(appointment.starts_at, appointment.ends_at)
    token = link_token(deps, bookable, appointment_id, appointment.link_generation, slot, now)
    event = BookingContactChanged(
        office=appointment.office,
        appointment_id=appointment_id,
        reference=appointment.reference,
        services=booked_services(appointment),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        citizen=usecases.contact(appointment),
        link_token=token,
        link_generation=appointment.link_generation,
        needs=needs(appointment),
        channel=appointment.channel,
        changed_by=author.by,
        revision=appointment.contact_revision,
    )
    await tx.publish(event, actor=author.name)
    if appointment.state == "booked":
        await _renew_offers(deps, tx, appointment, actor=author.name, now=now)
    return Booked(appointment_id, appointment.reference, slot, link(deps, bookable, token))


async def _renew_offers(
    deps: Dependencies, tx: Transaction, appointment: Appointment, *, actor: str, now: datetime
) -> None:
    """An open offer gets another link, too: by the one that went astray somebody else could take the appointment."""
    for renewed in await waiting.renew_offers(tx, appointment.office, appointment.id):
        event = SlotOffered(
            office=appointment.office,
            appointment_id=AppointmentId(appointment.id),
            services=booked_services(appointment),
            starts_at=renewed.starts_at,
            ends_at=renewed.ends_at,
            current_starts_at=appointment.starts_at,
            citizen=usecases.contact(appointment),
            offer_token=deps.offer_token(appointment.office, renewed.id, renewed.starts_at, now),
            expires_at=renewed.expires_at,
            link_generation=appointment.link_generation,
        )
        await tx.publish(event, actor=actor)
