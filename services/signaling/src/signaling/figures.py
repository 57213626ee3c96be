"""The worker that counts which calls run and who waits: nobody tells of that."""

import asyncio
from collections.abc import Iterable
from typing import Final

from chassis.clock import Clock
from signaling import metrics, store
from signaling.presence import Transactions

EVERY_SECONDS: Final = 10.0


async def run(offices: Iterable[str], transactions: Transactions, clock: Clock) -> None:
    """Keep the gauges true, at most ten seconds old, until cancelled."""
    offices = tuple(offices)
    while True:
        for office in offices:
            await count(office, transactions, clock)
        await asyncio.sleep(EVERY_SECONDS)


async def count(office: str, transactions: Transactions, clock: Clock) -> None:
    """Count once for one office."""
    now = clock()
    async with transactions() as tx:
        waiting = [guest.since for guest in await store.guests(tx, office) if not guest.admitted]
        desk = await store.desk(tx, office, now)
    metrics.CALLS_OPEN.labels(office).set(len(desk.running))
    metrics.WAITING.labels(office).set(len(waiting))
    oldest = (now - min(waiting)).total_seconds() if waiting else 0.0
    metrics.WAITING_OLDEST_SECONDS.labels(office).set(max(0.0, oldest))
