"""The worker of what ends by itself: appointments that nobody has ended, and links that may lie with strangers."""

import asyncio
from datetime import datetime
from typing import Final

import structlog

from booking.appointments import store
from booking.appointments.contact import renew_strayed
from booking.dependencies import Dependencies
from booking.offices.model import BookableOffice, in_turn
from chassis.clock import Clock
from chassis.database import Database

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 300.0
BATCH: Final = 500


async def run(deps: Dependencies, database: Database, clock: Clock) -> None:
    """Lets appointments lapse, and replaces strayed links once nobody is in the call by them, until cancelled."""
    while True:
        await in_turn(deps.offices.values(), lambda bookable: end_what_is_over(deps, database, bookable, clock()))
        await asyncio.sleep(EVERY_SECONDS)


async def end_what_is_over(
    deps: Dependencies, database: Database, bookable: BookableOffice, now: datetime
) -> tuple[int, int]:
    """The same once, for one office: how many appointments lapsed, and how many links were replaced."""
    async with database.autocommit() as tx:
        lapsed = await store.lapse(tx, bookable.office.slug, now, limit=BATCH)
    async with database.transaction() as tx:
        renewed = await renew_strayed(deps, tx, bookable, now)
    if lapsed or renewed:
        log.info("ended", office=bookable.office.slug, appointments=lapsed, links=renewed)
    return lapsed, renewed
