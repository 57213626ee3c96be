"""What can be done here: one function, one transaction. The doors (HTTP, bus) call these and nothing below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4

import structlog

from booking import model, store
from booking.errors import (
    AppointmentUnknown,
    HoldGone,
    HoldsUnavailable,
    LinkExpired,
    NotCancellable,
    RangeTooLong,
    SlotNotOffered,
    SlotTaken,
)
from booking.holds import HeldBusy, Hold, Holds, HoldsLostError
from booking.model import Slot
from booking.offers import Offer, Offers
from booking.tables import Appointment
from chassis.database import Database, Transaction
from chassis.tokens import TokenSigner
from contracts.actors import Citizen
from contracts.booking import BookedService, BookingCancelled, BookingCompleted, CitizenContact
from contracts.ids import AppointmentId

log = structlog.get_logger(__name__)

MAX_DAYS: Final = 62
_ALTERNATIVES: Final = 6
_FIRST_GENERATION: Final = 1


@dataclass(frozen=True)
class Desk:
    """What the use cases work with, put together once by the composition root."""

    offers: Offers
    holds: Holds
    links: TokenSigner
    public_origin: str


@dataclass(frozen=True)
class Order:
    """What a citizen asks for: an appointment for `services` at `starts_at`, perhaps one they hold."""

    services: tuple[BookedService, ...]
    starts_at: datetime
    citizen: CitizenContact
    hold_id: UUID | None


@dataclass(frozen=True)
class Booked:
    """An appointment that stands, with the secret link to it."""

    appointment_id: AppointmentId
    reference: str
    slot: Slot
    link: str


async def free_slots(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    length: timedelta,
    days: tuple[date, date],
    *,
    own_hold: UUID | None,
    now: datetime,
) -> list[Slot]:
    """The free slots of `length` on the office's local `days` (first and last), in ascending order.

    What others hold is taken; the citizen's own hold is not. Raises RangeTooLong beyond 62 days.
    """
    first, last = days
    if not 0 <= (last - first).days < MAX_DAYS:
        raise RangeTooLong(MAX_DAYS)
    starts = await _free(desk, tx, offer, length, days, own_hold=own_hold, now=now)
    return [model.slot(start, length) for start in starts]


async def hold(
    desk: Desk,
    database: Database,
    offer: Offer,
    services: Sequence[str],
    starts_at: datetime,
    *,
    hold_id: UUID | None,
    now: datetime,
) -> Hold:
    """Keeps a slot for five minutes. With the `hold_id` of a living hold, that one moves; it stays if it cannot.

    Raises SlotNotOffered, SlotTaken, HoldsUnavailable.
    """
    office, length = offer.office.slug, offer.length(services)
    refusal = offer.schedule.refusal(starts_at, length, now)
    # The transaction ends before Redis is asked: a slow Redis must not keep database connections.
    async with database.transaction() as tx:
        if refusal:
            raise SlotNotOffered(refusal, await _alternatives(desk, tx, offer, length, starts_at, hold_id, now))
        busy = await store.busy(tx, office, starts_at, starts_at + length)
    start = int(starts_at.timestamp())
    try:
        placed = await desk.holds.place(
            office,
            hold_id or uuid4(),
            start,
            start + int(length.total_seconds()),
            capacity=offer.schedule.capacity,
            taken={taken.lane for taken in busy},
            now=now,
        )
    except HoldsLostError:
        raise HoldsUnavailable from None
    if placed is None:
        async with database.transaction() as tx:
            raise SlotTaken(await _alternatives(desk, tx, offer, length, starts_at, hold_id, now))
    return placed


async def extend_hold(desk: Desk, offer: Offer, hold_id: UUID, now: datetime) -> Hold:
    """Keeps the slot for five minutes from now, but never longer than twenty in all. Raises HoldGone."""
    try:
        extended = await desk.holds.extend(offer.office.slug, hold_id, now=now)
    except HoldsLostError:
        raise HoldsUnavailable from None
    if extended is None:
        raise HoldGone
    return extended


async def release_hold(desk: Desk, offer: Offer, hold_id: UUID) -> None:
    """Gives a slot back. Without Redis there is nothing to give back."""
    try:
        await desk.holds.release(offer.office.slug, hold_id)
    except HoldsLostError:
        log.info("hold_not_released")


async def holds_at(desk: Desk, offer: Offer, slot: Slot) -> list[HeldBusy]:
    """All holds that overlap `slot`; none when Redis is away."""
    return await _holds(desk, offer, int(slot.starts_at.timestamp()), int(slot.ends_at.timestamp()))


async def book(
    desk: Desk, tx: Transaction, offer: Offer, order: Order, holds: Sequence[HeldBusy], now: datetime
) -> Booked:
    """Books, and publishes BookingCompleted in the same statement.

    `holds` are those at the slot (`holds_at`): others' are respected, one's own is preferred and keeps the slot
    bookable even if its beginning has passed meanwhile. The database decides, whatever they say.
    Raises UnknownService, OptionInvalid, TooLong, SlotNotOffered, SlotTaken.
    """
    length = offer.length([service.service_id for service in order.services])
    offer.check_options(order.services)
    slot = Slot(order.starts_at, order.starts_at + length)
    start, end = int(slot.starts_at.timestamp()), int(slot.ends_at.timestamp())
    own = next((held.busy.lane for held in holds if held.id == order.hold_id and held.busy[1:] == (start, end)), None)
    refusal = offer.schedule.refusal(slot.starts_at, length, now, held=own is not None)
    if refusal:
        raise SlotNotOffered(refusal, await _alternatives(desk, tx, offer, length, slot.starts_at, order.hold_id, now))
    appointment_id = AppointmentId(uuid4())
    token = _link_token(desk, offer, appointment_id, slot, now)
    others = {held.busy.lane for held in holds if held.id != order.hold_id}
    while True:
        event = BookingCompleted(
            office=offer.office.slug,
            appointment_id=appointment_id,
            reference=model.new_reference(offer.office.reference_prefix),
            services=order.services,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            citizen=order.citizen,
            link_token=token,
            link_generation=_FIRST_GENERATION,
        )
        # "lost": somebody else's commit took the lane (or the reference). There are only so many, so this ends.
        outcome = await store.book(tx, event, capacity=offer.schedule.capacity, held=others, own=own, now=now)
        if outcome == "booked":
            link = f"{desk.public_origin}/{event.office}/appointment#{token}"
            return Booked(appointment_id, event.reference, slot, link)
        if outcome == "taken":
            raise SlotTaken(await _alternatives(desk, tx, offer, length, slot.starts_at, order.hold_id, now))


async def appointment_of(tx: Transaction, citizen: Citizen) -> Appointment:
    """What the link leads to. Raises AppointmentUnknown, LinkExpired."""
    return _alive(await store.appointment_of(tx, citizen), citizen)


async def cancel(tx: Transaction, citizen: Citizen, now: datetime) -> Appointment:
    """Cancels; the slot is free again and the link dead. Raises AppointmentUnknown, LinkExpired, NotCancellable."""
    appointment = _alive(await store.appointment_of(tx, citizen, lock=True), citizen)
    if not model.cancellable(appointment.state, appointment.starts_at, now):
        raise NotCancellable
    appointment.state = "cancelled"
    appointment.link_generation += 1
    appointment.changed_at = now
    event = BookingCancelled(
        office=appointment.office,
        appointment_id=AppointmentId(appointment.id),
        reference=appointment.reference,
        services=tuple(BookedService.model_validate(service) for service in appointment.services),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        citizen=CitizenContact.model_validate(appointment, from_attributes=True),
        cancelled_by="citizen",
    )
    await tx.publish(event, actor=citizen.name)
    return appointment


async def finish(
    tx: Transaction, office: str, appointment_id: AppointmentId, state: Literal["completed", "aborted"], at: datetime
) -> None:
    """Marks how the appointment ended. One that is cancelled, ended already or erased stays as it is."""
    if not await store.finish(tx, office, appointment_id, state, at):
        log.info("nothing_to_finish", appointment_id=str(appointment_id), state=state)


def _alive(appointment: Appointment | None, citizen: Citizen) -> Appointment:
    if appointment is None:
        raise AppointmentUnknown
    if appointment.link_generation != citizen.gen:
        raise LinkExpired("The appointment was cancelled or moved.")
    return appointment


def _link_token(desk: Desk, offer: Offer, appointment_id: AppointmentId, slot: Slot, now: datetime) -> str:
    """The link lives as long as the appointment's data does."""
    claims = {"sub": str(appointment_id), "office": offer.office.slug, "gen": _FIRST_GENERATION}
    expires_at = slot.ends_at + timedelta(days=offer.office.retention.appointment_days)
    return desk.links.sign(claims, now=now, expires_at=expires_at)


async def _holds(desk: Desk, offer: Offer, start: int, end: int) -> list[HeldBusy]:
    try:
        return await desk.holds.active(offer.office.slug, start, end)
    except HoldsLostError:
        return []


async def _free(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    length: timedelta,
    days: tuple[date, date],
    *,
    own_hold: UUID | None,
    now: datetime,
) -> list[int]:
    starts = offer.schedule.offered(*days, length, now)
    if not starts:
        return []
    low, high = model.slot(starts[0], length).starts_at, model.slot(starts[-1], length).ends_at
    held = await _holds(desk, offer, starts[0], int(high.timestamp()))
    busy = await store.busy(tx, offer.office.slug, low, high)
    busy += [other.busy for other in held if other.id != own_hold]
    return model.free(starts, length, offer.schedule.capacity, busy)


async def _alternatives(
    desk: Desk,
    tx: Transaction,
    offer: Offer,
    length: timedelta,
    wanted: datetime,
    own_hold: UUID | None,
    now: datetime,
) -> list[Slot]:
    """The free slots closest to `wanted`: those around that day, or if there are none, of all that can be booked."""
    schedule = offer.schedule
    day = schedule.today(min(max(wanted, now), now + schedule.horizon))
    for reach in (timedelta(days=2), schedule.horizon):
        free = await _free(desk, tx, offer, length, (day - reach, day + reach), own_hold=own_hold, now=now)
        if free:
            return [model.slot(start, length) for start in model.nearest(free, wanted, _ALTERNATIVES)]
    return []
