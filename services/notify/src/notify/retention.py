"""The retention clock: whom was written to and what goes when its time is over (GDPR Art. 5 (1) e)."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from chassis.clock import Clock
from chassis.database import Database
from contracts.offices import Offices, Retention
from notify import store

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 3600.0
BATCH: Final = 200


async def run(offices: Offices, database: Database, clock: Clock) -> None:
    """Erase what is over, once an hour, until cancelled. Several replicas may: each takes other rows."""
    while True:
        await erase_what_is_over(offices, database, clock())
        await asyncio.sleep(EVERY_SECONDS)


async def erase_what_is_over(offices: Offices, database: Database, now: datetime) -> int:
    """Forget whom was written to about appointments whose time is over; how many.

    The office's file says after how many days (`appointment_days`); where the file is gone, the default holds. That a
    message of some kind went out, and when, stays.
    """
    async with database.transaction() as tx:
        known = await store.offices_with_people(tx)
    erased = 0
    for office in known:
        days = (offices[office].retention if office in offices else Retention()).appointment_days
        while True:
            async with database.transaction() as tx:
                batch = await store.erase_old(tx, office, now - timedelta(days=days), now, BATCH)
            erased += batch
            if batch < BATCH:
                break
        async with database.transaction() as tx:
            await store.erase_old_offers(tx, office, now - timedelta(days=days))
    if erased:
        log.info("erased", appointments=erased)
    return erased
