"""Whether a service reaches what it needs: for whoever asks `/readyz`, and as a figure on a timer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from chassis.metrics import READY


class NotReady(Exception):
    """What a check misses, in words for the operator; of any other error only its kind is told."""


#: Raises when what it looks at cannot be used.
Check = Callable[[], Awaitable[None]]
_PATIENCE_SECONDS: Final = 2.0
_EVERY_SECONDS: Final = 5.0


class Readiness:
    """The checks of a service, each with the name of the part that it looks at."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        for part in checks:
            READY.labels(part)

    async def failing(self) -> dict[str, str]:
        """What cannot be used, with the kind of error or NotReady's words; each part has two seconds to answer."""
        found: dict[str, str] = {}
        for part, check in self._checks.items():
            try:
                await asyncio.wait_for(check(), _PATIENCE_SECONDS)
            except Exception as error:  # noqa: BLE001 - any error means not ready
                found[part] = str(error) if isinstance(error, NotReady) else type(error).__name__
            READY.labels(part).set(part not in found)
        return found

    async def run(self) -> None:
        """Keep the figure true until cancelled: an alert must not depend on somebody asking `/readyz`."""
        while True:
            await self.failing()
            await asyncio.sleep(_EVERY_SECONDS)
