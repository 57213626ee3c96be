"""What a process that uses Redis tells of it: whether it answers, how soon, and what went wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chassis.metrics import at_zero

UP: Final = Gauge(
    "schalter_redis_up", "1 while Redis answers, where it is used; asked every five seconds. Min of processes."
)
COMMAND_SECONDS: Final = Histogram(
    "schalter_redis_command_seconds",
    "How long Redis took to answer whether it is there, asked every five seconds over the line that requests use, in"
    " seconds.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
ERRORS: Final = Counter(
    "schalter_redis_errors_total",
    "Commands that failed: timeout (no answer in time), away (not reached, or gone meanwhile), refused.",
    ("kind",),
)
at_zero(ERRORS, ("timeout", "away", "refused"))
_EVERY_SECONDS: Final = 5.0


def note(error: BaseException) -> None:
    """Count an error of Redis. That it does not know a script yet is none."""
    match error:
        case TimeoutError() | RedisTimeoutError():
            ERRORS.labels("timeout").inc()
        case NoScriptError():
            return
        case ResponseError():
            ERRORS.labels("refused").inc()
        case OSError() | RedisError():
            ERRORS.labels("away").inc()


class CountedRedis(Redis):
    """A client whose failing commands are counted."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """As the client's own."""
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # as it is
        except (RedisError, OSError) as error:
            note(error)
            raise


async def watch(ping: Callable[[], Awaitable[object]]) -> None:
    """Ask until cancelled whether Redis is there."""
    while True:
        started = perf_counter()
        try:
            await ping()
        except (RedisError, OSError):
            UP.set(0)
        else:
            UP.set(1)
            COMMAND_SECONDS.observe(perf_counter() - started)
        await asyncio.sleep(_EVERY_SECONDS)
