"""The worker of the retention clock. Other services have clocks of their own, so nothing is published."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter

from booking.offers.model import Offer, Offers
from booking.retention import store
from chassis.clock import Clock
from chassis.database import Database
from contracts.offices import Retention

log = structlog.get_logger(__name__)

ERASED = Counter("schalter_booking_erased_total", "Citizens of appointments that the retention clock has erased.")
EVERY_SECONDS: Final = 3600.0
BATCH: Final = 500
#: How long an offer's page can say what became of it. Who stopped waiting is forgotten at once, not then.
KEEP_WAITING: Final = timedelta(days=3)


async def run(offers: Offers, database: Database, clock: Clock) -> None:
    """Erases what is over, once an hour, until cancelled. Several processes may: each takes other rows."""
    while True:
        await erase_what_is_over(offers, database, clock())
        await asyncio.sleep(EVERY_SECONDS)


async def erase_what_is_over(offers: Offers, database: Database, now: datetime) -> int:
    """Erases the citizens of appointments whose time is over, and forgets who waited; how many appointments.

    The office's file says after how many days; where the file is gone the default holds, so that no data is left over.
    The idempotent answers go with the outbox (`chassis.outbox`), after three days.
    """
    async with database.autocommit() as tx:
        known = await store.offices(tx)
    erased = 0
    for office in sorted({*known, *offers}):
        erased += await _erase_appointments(database, office, _days(offers, office), now)
    for offer in offers.values():
        await _end_pointless_waiting(database, offer, now)
    async with database.transaction() as tx:
        await store.forget_waiting(tx, now - KEEP_WAITING)
    if erased:
        log.info("erased", appointments=erased)
    return erased


async def _erase_appointments(database: Database, office: str, days: int, now: datetime) -> int:
    erased = 0
    while True:
        async with database.transaction() as tx:
            batch = await store.erase_appointments(tx, office, now - timedelta(days=days), now, limit=BATCH)
        ERASED.inc(batch)
        erased += batch
        if batch < BATCH:
            return erased


async def _end_pointless_waiting(database: Database, offer: Offer, now: datetime) -> None:
    horizon = timedelta(days=offer.office.booking.horizon_days)
    today = now.astimezone(offer.office.zone).date()
    async with database.transaction() as tx:
        await store.end_pointless_waiting(tx, offer.office.slug, now - horizon, today, now)


def _days(offers: Mapping[str, Offer], office: str) -> int:
    known = offers.get(office)
    return (known.office.retention if known else Retention()).appointment_days
