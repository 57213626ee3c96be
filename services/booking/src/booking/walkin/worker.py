"""The worker of the queue: woken when somebody takes a number, and by a poll, since calls end without telling it."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from booking.limits import store as limits_store
from booking.offices.model import in_turn
from booking.walkin import calling, store
from booking.walkin.usecases import WalkInContext
from chassis.clock import Clock
from chassis.database import Database

#: How soon the next one is called after a clerk has become free.
POLL_SECONDS: Final = 2.0
#: While nobody waits here: numbers that another process gave out before it died.
IDLE_SECONDS: Final = 10.0
#: However many pages say that somebody is there, nobody looks more often.
_PAUSE_SECONDS: Final = 0.2
_TIDY: Final = timedelta(minutes=10)


async def run(context: WalkInContext, database: Database, clock: Clock, woken: asyncio.Event) -> None:
    """Calls whoever is next until cancelled. Several processes may: they take turns, office by office."""
    tidied: datetime | None = None
    while True:
        woken.clear()
        now = clock()
        if tidied is None or not tidied <= now < tidied + _TIDY:
            await _tidy(database, now)
            tidied = now
        async with database.autocommit() as tx:
            busy = await store.offices_with_waiting(tx)
        await in_turn(
            filter(None, map(context.deps.offices.get, busy)),
            lambda bookable: calling.call_waiting(context, database, bookable, clock()),
        )
        await asyncio.sleep(_PAUSE_SECONDS)
        try:
            await asyncio.wait_for(woken.wait(), POLL_SECONDS if busy else IDLE_SECONDS)
        except TimeoutError:
            continue


async def _tidy(database: Database, now: datetime) -> None:
    """Forgets what nobody needs any more: who was in old queues, and proofs of work that have expired anyway."""
    async with database.transaction() as tx:
        await store.erase_old(tx, now)
        await limits_store.forget_spent(tx, now)
