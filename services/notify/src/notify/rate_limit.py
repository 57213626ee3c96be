"""How many mails a second: what a mail server takes without calling us a spammer."""

import asyncio
from collections.abc import Callable
from typing import Final

#: How many seconds' worth may go at once after a quiet time.
_BURST_SECONDS: Final = 3.0


class Pace:
    """A token bucket: `per_second` on average, a few seconds' worth at once. Of both we have our share: `alive` says
    how many processes take mails from the same queue.
    """

    def __init__(self, per_second: float, alive: Callable[[], int] = lambda: 1) -> None:
        self._of_all = per_second
        self._alive = alive
        self._tokens = float("inf")
        self._seen: float | None = None

    @property
    def _per_second(self) -> float:
        return self._of_all / self._alive()

    @property
    def _burst(self) -> float:
        return max(1.0, self._per_second * _BURST_SECONDS)

    @property
    def free(self) -> bool:
        """Whether the next mail may go at once."""
        return self._tokens + self._gained() >= 1

    def _gained(self) -> float:
        now = asyncio.get_running_loop().time()
        return 0.0 if self._seen is None else (now - self._seen) * self._per_second

    async def turn(self) -> None:
        """Return when the next mail may go; those who ask take turns."""
        self._tokens = min(self._burst, self._tokens + self._gained()) - 1
        self._seen = asyncio.get_running_loop().time()
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self._per_second)
