"""booking without one of its shortcuts, to see what that one brings."""

import os
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from redis.asyncio import Redis

from booking import app
from booking.settings import Settings
from booking.slots import contention
from chassis.scripts import ScriptingRedis


def _without_express() -> None:
    os.environ["SCHALTER_EXPRESS"] = "false"


def _without_the_line() -> None:
    ScriptingRedis.register_script = Redis.register_script  # type: ignore[assignment, method-assign] # for this process alone


def _without_queues() -> None:
    contention._AT_ONCE = 1_000_000  # type: ignore[misc] # everybody at once
    contention.SlotQueue.refused_since = lambda _self, _arrival: None  # type: ignore[assignment, method-assign] # for this process alone


#: Each shortcut by the name of what holds it.
SHORTCUTS: Final[dict[str, Callable[[], None]]] = {
    "express": _without_express,
    "ScriptLine": _without_the_line,
    "contention": _without_queues,
}


def build() -> FastAPI:
    """The application without what BENCH_WITHOUT names."""
    SHORTCUTS[os.environ["BENCH_WITHOUT"]]()
    return app.build(Settings())
