"""How much of the outbox waits, counted on a timer: also while the bus is away, and by every process of a service."""

import asyncio
from typing import Final

from chassis.clock import Clock
from chassis.database import Database
from chassis.metrics import OUTBOX_OLDEST_SECONDS, OUTBOX_PENDING

_EVERY_SECONDS: Final = 10.0


class Backlog:
    """Keeps two gauges true, at most ten seconds old."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def run(self) -> None:
        """Count until cancelled. Raises when the database is away; whoever runs it starts it again."""
        while True:
            await self.count()
            await asyncio.sleep(_EVERY_SECONDS)

    async def count(self) -> None:
        """Count once."""
        async with self._database.autocommit() as tx:
            row = await tx.row(
                "SELECT count(*) AS pending, min(created_at) AS oldest FROM outbox WHERE published_at IS NULL"
            )
        assert row is not None, "an aggregate has one row"
        OUTBOX_PENDING.set(row["pending"])
        waits = (self._clock() - row["oldest"]).total_seconds() if row["oldest"] else 0.0
        OUTBOX_OLDEST_SECONDS.set(max(0.0, waits))
