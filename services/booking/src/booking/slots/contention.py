"""Many want the same slot at the same time: who waits for their turn hears that it is gone from who was before them."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from booking.slots.model import Slot
from chassis.connections import PATIENCE_SECONDS
from chassis.problems import Busy

#: How many try for the same slot at the same time.
_AT_ONCE: Final = 4


class Target(NamedTuple):
    """What somebody tries for: the same for all whom the same refusal suits."""

    office: str
    services: tuple[str, ...]
    slot: Slot


class SlotQueue:
    """Whoever tries for one target goes through it (`async with`), few at a time. It lasts while somebody is at it."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._refusals = 0
        self._alternatives: Sequence[Slot] = ()

    def arrive(self) -> int:
        """To be called before going through, for `refused_since`."""
        return self._refusals

    async def __aenter__(self) -> None:
        """Raises Busy after two seconds: those inside wait for a database that does not answer."""
        if not self._turns.locked():
            await self._turns.acquire()  # at once
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy from None

    async def __aexit__(self, *_: object) -> None:
        self._turns.release()

    def too_late(self, alternatives: Sequence[Slot]) -> None:
        """The database has just said that the slot is taken; the citizen is told `alternatives`."""
        self._refusals += 1
        self._alternatives = alternatives

    def refused_since(self, arrival: int) -> Sequence[Slot] | None:
        """The alternatives if somebody was too late since then: so at that moment was who had arrived, too."""
        return self._alternatives if self._refusals > arrival else None


class SlotQueues:
    """The doors of one process. Who gets a slot is decided by the database alone."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[Target, SlotQueue] = WeakValueDictionary()

    def queue(self, target: Target) -> SlotQueue:
        """The door to `target`."""
        queue = self._queues.get(target)
        if queue is None:
            queue = self._queues[target] = SlotQueue()
        return queue
