"""The worker that frees times whose addresses nobody confirmed."""

import asyncio
from datetime import datetime
from typing import Final

import structlog

from booking.confirming import store, usecases
from booking.dependencies import Dependencies
from booking.offices.model import BookableOffice, in_turn
from chassis.clock import Clock
from chassis.database import Database

log = structlog.get_logger(__name__)

#: So much longer than it was kept a time may be taken.
POLL_SECONDS: Final = 5.0


async def run(deps: Dependencies, database: Database, clock: Clock) -> None:
    """Frees them until cancelled. Several processes may: each takes other rows."""
    while True:
        await free(deps, database, clock())
        await asyncio.sleep(POLL_SECONDS)


async def free(deps: Dependencies, database: Database, now: datetime) -> None:
    """The same once."""
    async with database.autocommit() as tx:
        late = await store.offices(tx, now)

    async def of(bookable: BookableOffice) -> None:
        freed = await usecases.free_unconfirmed(database, bookable.office.slug, now)
        if freed:
            log.info("not_confirmed", office=bookable.office.slug, appointments=freed)

    await in_turn(filter(None, map(deps.offices.get, late)), of)
