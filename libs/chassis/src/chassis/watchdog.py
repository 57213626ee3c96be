"""Ends a process whose event loop stands still: it looks alive, answers nobody, and nothing restarts it."""

import asyncio
import faulthandler
from typing import Final

_BEATS: Final = 10


async def watchdog(seconds: float) -> None:
    """Until cancelled: once the loop has stood still for `seconds`, ends the process with exit code 1.

    Where each thread stood is written to standard error. Whoever runs the process (supervisor, engine, Kubernetes)
    starts it again; nothing acknowledged is lost, as after any kill. What waits is a thread without Python's lock, so
    that a loop in a library's C code is seen, too. One per process.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(seconds, exit=True)
            await asyncio.sleep(seconds / _BEATS)
    finally:
        faulthandler.cancel_dump_traceback_later()
