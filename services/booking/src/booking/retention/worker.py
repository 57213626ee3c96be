"""The worker of the retention clock. Other services have clocks of their own, so no erasure is published."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter

from booking.offices.model import BookableOffice, BookableOffices
from booking.retention import store
from booking.waiting import queue
from booking.waiting.offering import waiting_ended
from chassis.clock import Clock
from chassis.database import Database
from contracts.offices import Retention

log = structlog.get_logger(__name__)

ERASED = Counter("schalter_booking_erased_total", "Citizens of appointments that the retention clock has erased.")
EVERY_SECONDS: Final = 3600.0
BATCH: Final = 500
#: How long an offer's page can say what became of it. Who stopped waiting is forgotten at once, not then.
KEEP_WAITING: Final = timedelta(days=3)
#: A lost link is looked for within seconds.
KEEP_LINK_REQUESTS: Final = timedelta(days=1)


async def run(offices: BookableOffices, database: Database, clock: Clock) -> None:
    """Erases what is over, once an hour, until cancelled. Several processes may: each takes other rows."""
    while True:
        await erase_what_is_over(offices, database, clock())
        await asyncio.sleep(EVERY_SECONDS)


async def erase_what_is_over(offices: BookableOffices, database: Database, now: datetime) -> int:
    """Erases the citizens of appointments whose time is over, who waited, and why clerks were away; how many citizens.

    The office's file says after how many days; where the file is gone the default holds, so that no data is left over.
    The idempotent answers go with the outbox (`chassis.outbox`), after three days.
    """
    async with database.autocommit() as tx:
        known = await store.offices(tx)
    erased = 0
    for office in sorted({*known, *offices}):
        before = now - timedelta(days=_days(offices, office))
        erased += await _erase_appointments(database, office, before, now)
        async with database.autocommit() as tx:
            await store.forget_absences(tx, office, before)
    for bookable in offices.values():
        await _end_pointless_waiting(database, bookable, now)
    async with database.transaction() as tx:
        await store.forget_waiting(tx, now - KEEP_WAITING)
        await store.forget_link_requests(tx, now - KEEP_LINK_REQUESTS)
    if erased:
        log.info("erased", appointments=erased)
    return erased


async def _erase_appointments(database: Database, office: str, before: datetime, now: datetime) -> int:
    erased = 0
    while True:
        async with database.transaction() as tx:
            batch = await store.erase_appointments(tx, office, before, now, limit=BATCH)
        ERASED.inc(batch)
        erased += batch
        if batch < BATCH:
            return erased


async def _end_pointless_waiting(database: Database, bookable: BookableOffice, now: datetime) -> None:
    horizon = timedelta(days=bookable.office.booking.horizon_days)
    today = now.astimezone(bookable.office.zone).date()
    async with database.transaction() as tx:
        ended = await store.end_pointless_waiting(tx, bookable.office.slug, now - horizon, today, now)
        for gone in await queue.forget(tx, bookable.office.slug, ended):
            # Who waited for an earlier time than that of an appointment knows that it has begun, or is off.
            if not gone.has_appointment:
                await tx.publish(waiting_ended(bookable, gone, "days_over"), actor="system:booking")


def _days(offices: Mapping[str, BookableOffice], office: str) -> int:
    known = offices.get(office)
    return (known.office.retention if known else Retention()).appointment_days
