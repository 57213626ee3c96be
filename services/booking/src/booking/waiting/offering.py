"""Freed slots go round among those who wait: to one at a time, who came first first. The worker calls this."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from prometheus_client import Counter

from booking.dependencies import Dependencies
from booking.entries import store
from booking.offices.model import BookableOffice, wanted_of
from booking.slots import store as slots_store
from booking.slots import usecases as slots
from booking.slots.holds import HeldBusy
from booking.slots.model import Slot
from booking.timetable.model import Schedule
from booking.waiting import model, queue
from booking.waiting.model import Freed, Seeker
from booking.waiting.queue import FreedSlot, Gone, Waiting
from chassis.database import Database, Transaction
from chassis.metrics import at_zero
from chassis.problems import Problem
from contracts.booking import SlotOffered, WaitingEnded

OFFERS = Counter("schalter_booking_offers_total", "Freed slots offered to the waiting list, by outcome.", ("outcome",))
at_zero(OFFERS, ("offered", "accepted", "refused", "expired", "impossible"))
#: Who acts when nobody does: what events say.
_ACTOR = "system:booking"
#: Freed slots per transaction: others take turns, and citizens who answer do not wait long for a row.
_AT_ONCE = 10


async def go_round(deps: Dependencies, database: Database, bookable: BookableOffice, now: datetime) -> int:
    """One round for an office: ends the offers that are over, and offers every freed slot to whom it suits first.

    Each offer is stored, with the event that mails it, or not at all. Safe to run in several processes at once, and
    after a crash at any point. The number of offers made.
    """
    # Redis is asked before the database: a slow Redis must not keep a transaction open.
    holds = await slots.holds_at(deps.calendar, bookable, now, timedelta(days=bookable.office.booking.horizon_days + 1))
    async with database.transaction() as tx:
        freed = await _tidy(tx, bookable, now)
    made = 0
    for at in range(0, len(freed), _AT_ONCE):
        async with database.transaction() as tx:
            await slots_store.hand_out_alone(tx, bookable.office.slug)
            schedule = (await deps.calendar.schedules.refresh(tx, bookable)).schedule
            offered = 0
            for slot in await queue.freed_slots(tx, freed[at : at + _AT_ONCE], now):
                offered += await _offer_to_first(deps, tx, bookable, schedule, slot, holds, now)
        OFFERS.labels("offered").inc(offered)
        made += offered
    return made


async def _tidy(tx: Transaction, bookable: BookableOffice, now: datetime) -> list[UUID]:
    """Ends what is over, so that its slots go to the next; the slots that are to be offered now."""
    office = bookable.office.slug
    await slots_store.hand_out_alone(tx, office)
    lapsed = await queue.lapse(tx, office, now)
    patience = _patience(bookable)
    for each in lapsed:
        unanswered = patience.ends_at(each.offered_at) <= each.expires_at <= now
        if not await queue.wait_on(tx, office, each.entry_id, now, unanswered=unanswered):
            for gone in await queue.forget(tx, office, [each.entry_id]):
                await tx.publish(waiting_ended(bookable, gone, "unanswered"), actor=_ACTOR)
        # Public when nobody else wants it, at a moment that the one who let it pass cannot know.
        await store.keep_until(tx, each.freed_id, slots.returns(bookable, each.starts_at, now), now)
    tx.count(OFFERS.labels("expired"), len(lapsed))
    await queue.tidy(tx, office, now)
    return await queue.unoffered(tx, office, now)


async def _offer_to_first(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    schedule: Schedule,
    slot: FreedSlot,
    holds: Sequence[HeldBusy],
    now: datetime,
) -> bool:
    """Offers `slot` to the first whom it suits; whether there was one."""
    freed = Freed(slot.lane, int(slot.starts_at.timestamp()), int(slot.ends_at.timestamp()))
    taken = [*await queue.taken(tx, bookable.office.slug, slot, now), *(hold.busy for hold in holds)]
    async for to in queue.candidates(tx, bookable.office.slug, slot):
        seeker = _seeker(bookable, to)
        starts_at = model.first_fit(schedule, freed, taken, seeker, now) if seeker else None
        if seeker is None or starts_at is None:
            continue
        if await _offer_to(deps, tx, bookable, slot, to, Slot(starts_at, starts_at + seeker.length), now):
            return True
    return False


async def _offer_to(
    deps: Dependencies,
    tx: Transaction,
    bookable: BookableOffice,
    freed: FreedSlot,
    to: Waiting,
    slot: Slot,
    now: datetime,
) -> bool:
    """Keeps `slot`, a part of `freed`, for one who waits, and publishes it; False if they just do something else."""
    rules = bookable.office.booking
    expires_at = model.expires_at(
        slot.starts_at,
        now,
        patience=_patience(bookable),
        lead=timedelta(minutes=rules.lead_minutes),
    )
    offer_id = await queue.offer(tx, bookable.office.slug, freed, to, slot, expires_at=expires_at, now=now)
    if offer_id is None:
        return False
    event = SlotOffered(
        office=bookable.office.slug,
        appointment_id=to.appointment_id,
        services=to.services,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        current_starts_at=to.current_starts_at,
        citizen=to.citizen,
        offer_token=deps.offer_token(bookable.office.slug, offer_id, slot.starts_at, now),
        expires_at=expires_at,
        link_generation=to.link_generation,
    )
    await tx.publish(event, actor=_ACTOR)
    return True


def waiting_ended(bookable: BookableOffice, gone: Gone, reason: Literal["unanswered", "days_over"]) -> WaitingEnded:
    """What is told of somebody whom the list has lost, so that they hear of it."""
    return WaitingEnded(
        office=bookable.office.slug,
        appointment_id=gone.appointment_id,
        services=gone.services,
        citizen=gone.citizen,
        reason=reason,
        keeps_appointment=gone.has_appointment,
    )


def _patience(bookable: BookableOffice) -> model.Patience:
    rules = bookable.office.booking
    return model.Patience(timedelta(minutes=rules.offer_minutes), rules.offer_hours, bookable.office.zone)


def _seeker(bookable: BookableOffice, to: Waiting) -> Seeker | None:
    """What they need. What was booked stays as long as it is; None if the office does not offer the rest any more."""
    length = timedelta(minutes=to.minutes)
    if to.current_starts_at is None:
        try:
            bookable.check_options(to.services)
            length = bookable.length(wanted_of(to.services))
        except Problem:
            return None
    services = tuple(service.service_id for service in to.services)
    return Seeker(services, length, to.current_starts_at, to.first_day, to.last_day)
