"""How many mails a second: what a mail server takes without calling us a spammer."""

import asyncio
from typing import Final

#: How many seconds' worth may go at once after a quiet time.
_BURST_SECONDS: Final = 3.0


class Pace:
    """A token bucket: `per_second` on average, a few seconds' worth at once."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._burst = max(1.0, per_second * _BURST_SECONDS)
        self._tokens = self._burst
        self._seen: float | None = None

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
