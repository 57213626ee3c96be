"""Tells the other services which clerks have their workplace open: who could talk to somebody right now."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from chassis.clock import Clock
from chassis.problems import is_transient
from contracts.offices import Offices
from contracts.signaling import ClerksPresent
from signaling import store
from signaling.hub import Hub
from signaling.presence import Transactions

log = structlog.get_logger(__name__)

#: An office's clerks are looked at this often: who has come is known elsewhere after about two seconds.
_LOOK_SECONDS: Final = 2.0
#: How often it is said again that somebody is there. Silence of three times as long means that nobody is.
SAID_AGAIN: Final = timedelta(seconds=30)


class Workplaces:
    """Publishes `ClerksPresent` when it changes. Several instances see the same in Redis; one of them says it."""

    def __init__(self, hub: Hub, offices: Offices, transactions: Transactions, clock: Clock) -> None:
        self._hub = hub
        self._offices = offices
        self._transactions = transactions
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:
                if not isinstance(error, RedisError) and not is_transient(error):
                    raise
                log.warning("presence_not_told", error=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Compare all offices with what was said last. Raises RedisError, or the database's errors."""
        for office in self._offices:
            at_work = await self._hub.rooms.clerks_at_work(office)
            await self._say(office, {UUID(clerk) for clerk in at_work})

    async def _say(self, office: str, clerks: Collection[UUID]) -> None:
        now = self._clock()
        async with self._transactions() as tx:
            if await store.presence_to_say(tx, office, clerks, now, again_after=SAID_AGAIN):
                event = ClerksPresent.model_validate({"office": office, "clerks": sorted(clerks), "at": now})
                await tx.publish(event, actor="system:signaling")
