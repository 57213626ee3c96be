"""What is kept for how long: when rooms were used tells how long a clerk talked to whom, so it does not stay."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from chassis.clock import Clock
from contracts.offices import Offices
from contracts.offices import Retention as Rules
from signaling import store
from signaling.presence import Transactions

log = structlog.get_logger(__name__)

_HOUR: Final = 3600.0


class Retention:
    """Erases rooms and calls as long after the appointment as each office's settings say (GDPR Art. 5 (1) e).

    Where an office's file is gone the default holds, so that nothing is left over.
    """

    def __init__(self, offices: Offices, transactions: Transactions, clock: Clock) -> None:
        self._offices = offices
        self._transactions = transactions
        self._clock = clock

    async def run(self) -> None:
        """Every hour, until cancelled."""
        while True:
            await self.erase()
            await asyncio.sleep(_HOUR)

    async def erase(self) -> None:
        """Erase what is due now."""
        async with self._transactions() as tx:
            known = await store.offices(tx)
        for office in known:
            days = (self._offices[office].retention if office in self._offices else Rules()).appointment_days
            async with self._transactions() as tx:
                erased = await store.forget_before(tx, office, self._clock() - timedelta(days=days))
            if erased:
                log.info("rooms_erased", office=office, rooms=erased)
