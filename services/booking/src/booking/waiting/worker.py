"""The worker of the waiting list: woken when a slot is given back, and by a poll that finds what was missed."""

import asyncio
from typing import Final

from booking.dependencies import Dependencies
from booking.offices.model import in_turn
from booking.waiting import offering, queue
from chassis.clock import Clock
from chassis.database import Database

#: What nobody wakes the worker for: offers that expire, slots that another process was told of before it died.
POLL_SECONDS: Final = 5.0


async def run(deps: Dependencies, database: Database, clock: Clock, woken: asyncio.Event) -> None:
    """Hands out freed slots until cancelled. Several processes may: they take turns, office by office.

    Raises what went wrong in an office, once the others have had their turn; whoever runs it starts it again.
    """
    while True:
        woken.clear()
        async with database.autocommit() as tx:
            busy = await queue.offices(tx)
        await in_turn(
            filter(None, map(deps.offices.get, busy)),
            lambda bookable: offering.go_round(deps, database, bookable, clock()),
        )
        try:
            await asyncio.wait_for(woken.wait(), POLL_SECONDS)
        except TimeoutError:
            continue
