"""What a process tells of itself on a timer: how its event loop keeps time, and what its consumers have before them."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from nats.errors import Error as NatsError

from chassis.bus import Bus
from chassis.consumer import Consumer
from chassis.metrics import (
    CONSUMED,
    CONSUMED_OUTCOMES,
    CONSUMER_UNACKNOWLEDGED,
    CONSUMER_WAITING,
    LOOP_LAG_SECONDS,
    REDELIVERED,
    at_zero,
)
from contracts import topology

_LOOP_SECONDS: Final = 0.25
_CONSUMERS_SECONDS: Final = 15.0


async def loop_lag() -> None:
    """Measure until cancelled how late the loop is: what blocks it delays everybody alike."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + _LOOP_SECONDS
        await asyncio.sleep(_LOOP_SECONDS)
        LOOP_LAG_SECONDS.observe(max(0.0, clock() - due))


class ConsumerFigures:
    """Keeps the figures of a service's consumers true, at most fifteen seconds old while the bus is there."""

    def __init__(self, service: str, consumers: Sequence[Consumer[Any]], bus: Bus) -> None:
        self._bus = bus
        self._consumers = [topology.consumer(service, consumer.event) for consumer in consumers]
        names = [consumer.name for consumer in self._consumers]
        at_zero(CONSUMED, names, CONSUMED_OUTCOMES)
        at_zero(REDELIVERED, names)
        at_zero(CONSUMER_WAITING, names)
        at_zero(CONSUMER_UNACKNOWLEDGED, names)

    async def run(self) -> None:
        """Ask the bus until cancelled."""
        while True:
            if self._bus.connected:
                await self.ask()
            await asyncio.sleep(_CONSUMERS_SECONDS)

    async def ask(self) -> None:
        """Ask once for each. A consumer that is not there yet, or does not answer, keeps the figures it had."""
        for consumer in self._consumers:
            try:
                info = await self._bus.jetstream.consumer_info(consumer.stream, consumer.name)
            except (NatsError, TimeoutError):
                continue
            CONSUMER_WAITING.labels(consumer.name).set(info.num_pending or 0)
            CONSUMER_UNACKNOWLEDGED.labels(consumer.name).set(info.num_ack_pending or 0)
