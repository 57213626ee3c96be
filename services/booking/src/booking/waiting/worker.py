"""The worker of the waiting list: woken when a slot is given back, and by a poll that finds what was missed."""

import asyncio
from typing import Final

from booking.desk import Desk
from booking.waiting import offering, queue
from chassis.clock import Clock
from chassis.database import Database

#: What nobody wakes the worker for: offers that expire, slots that another process was told of before it died.
POLL_SECONDS: Final = 5.0


async def run(desk: Desk, database: Database, clock: Clock, woken: asyncio.Event) -> None:
    """Hands out freed slots until cancelled. Several processes may: they take turns, office by office.

    Raises what went wrong in an office, once the others have had their turn; whoever runs it starts it again.
    """
    while True:
        woken.clear()
        async with database.autocommit() as tx:
            busy = await queue.offices(tx)
        failed: Exception | None = None
        for offer in filter(None, map(desk.offers.get, busy)):
            try:
                await offering.go_round(desk, database, offer, clock())
            except Exception as error:  # noqa: BLE001 - one office's trouble is not the others'
                failed = error
        if failed is not None:
            raise failed
        try:
            await asyncio.wait_for(woken.wait(), POLL_SECONDS)
        except TimeoutError:
            continue
