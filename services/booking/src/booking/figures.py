"""The worker that counts what waits and what is free, office by office: nobody tells of that."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from booking import metrics
from booking.dependencies import Dependencies
from booking.offices.model import BookableOffice, Wanted, in_turn
from booking.slots.usecases import Wish, free_starts
from booking.waiting import queue
from booking.walkin import store as walk_in
from chassis.clock import Clock
from chassis.database import Database, Transaction

EVERY_SECONDS: Final = 60.0


async def run(deps: Dependencies, database: Database, clock: Clock) -> None:
    """Keep the gauges true, at most a minute old, until cancelled."""
    while True:
        await in_turn(deps.offices.values(), lambda bookable: count(deps, database, bookable, clock()))
        await asyncio.sleep(EVERY_SECONDS)


async def count(deps: Dependencies, database: Database, bookable: BookableOffice, now: datetime) -> None:
    """Count once for one office."""
    office = bookable.office.slug
    with metrics.FIGURES_SECONDS.time():
        async with database.autocommit() as tx:
            free = await _free(deps, tx, bookable, now)
            listed = await queue.length(tx, office)
            waiting, oldest = await walk_in.length(tx, office, now)
    for days in metrics.FREE_DAYS:
        before = (now + timedelta(days=days)).timestamp()
        metrics.FREE_SLOTS.labels(office, str(days)).set(sum(start < before for start in free))
    metrics.WAITING_LIST.labels(office).set(listed)
    metrics.WALK_INS_WAITING.labels(office).set(waiting)
    metrics.WALK_INS_OLDEST_SECONDS.labels(office).set((now - oldest).total_seconds() if oldest else 0)


async def _free(deps: Dependencies, tx: Transaction, bookable: BookableOffice, now: datetime) -> list[int]:
    shortest = min(bookable.services, key=lambda service: bookable.length([Wanted(service)]))
    today = now.astimezone(bookable.office.zone).date()
    last = today + timedelta(days=max(metrics.FREE_DAYS))
    return await free_starts(deps.calendar, tx, bookable, Wish.of(bookable, [Wanted(shortest)]), (today, last), now=now)
