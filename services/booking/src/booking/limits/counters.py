"""How often, within a sliding window, in Redis. One script, one round trip, however many windows are looked at."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from booking.limits.model import Limit

#: After a failure nobody asks Redis for so long, lest every citizen waits for a time-out.
PAUSE_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)

# Each window is a sorted set: who (a request's pseudonym), by when (milliseconds). A request that is repeated finds
# itself there and is let through without being counted again. Nothing is written unless every window has room.
_COUNT: Final = """
local member, now, with_proof = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local answer, full, asked = {}, false, false
for index, key in ipairs(KEYS) do
  local proof_from, at_most, window = tonumber(ARGV[3 * index + 1]), tonumber(ARGV[3 * index + 2]), ARGV[3 * index + 3]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  if redis.call('ZSCORE', key, member) then return {1} end
  local count, oldest = redis.call('ZCARD', key), 0
  if count >= at_most then
    full = true
    oldest = redis.call('ZRANGE', key, count - at_most, count - at_most, 'WITHSCORES')[2] + window - now
  elseif count >= proof_from then
    asked = true
  end
  answer[#answer + 1] = count
  answer[#answer + 1] = oldest
end
if not full and (with_proof or not asked) then
  for index, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, member)
    redis.call('PEXPIRE', key, ARGV[3 * index + 3])
  end
end
return {0, unpack(answer)}
"""

_FORGET: Final = """
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
"""


class CountersLostError(Exception):
    """Redis does not answer: nobody knows how often."""


@dataclass(frozen=True)
class Window:
    """What is counted under `name`, and how much of it is too much."""

    name: str
    limit: Limit


@dataclass(frozen=True)
class Count:
    """How many there were in a window before this one, and when there is room again (0: there is)."""

    before: int
    wait_ms: int


class Counters:
    """Counts. Every method but `forget` raises CountersLostError when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._count = redis.register_script(_COUNT)
        self._forget = redis.register_script(_FORGET)
        self._paused_until = 0.0

    async def count(
        self, office: str, windows: Sequence[Window], member: str, *, proven: bool, now: datetime
    ) -> list[Count] | None:
        """Counts `member` in all `windows` if it may pass: none is full, and it is `proven` where that is asked for.

        The counts before it; None when it was counted before, so that this is a repetition. Atomic: of fifty requests
        at once no more pass than there is room for.
        """
        arguments: list[int | str] = [member, int(now.timestamp() * 1000), int(proven)]
        for window in windows:
            arguments += [window.limit.proof_from, window.limit.at_most, 1000 * window.limit.seconds]
        if time.monotonic() < self._paused_until:
            raise CountersLostError
        try:
            known, *found = await self._count(keys=[_key(office, window.name) for window in windows], args=arguments)
        except (RedisError, OSError) as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            _log.warning("limits_without_redis", error=type(error).__name__)
            raise CountersLostError from error
        if known:
            return None
        return [Count(int(before), int(wait)) for before, wait in zip(found[::2], found[1::2], strict=True)]

    async def forget(self, office: str, names: Sequence[str], member: str) -> None:
        """Takes `member` out again: nothing came of it, or it is given back. Without Redis there is nothing to do."""
        if time.monotonic() < self._paused_until:
            return
        try:
            await self._forget(keys=[_key(office, name) for name in names], args=[member])
        except (RedisError, OSError) as error:
            _log.info("count_not_taken_back", error=type(error).__name__)


def _key(office: str, name: str) -> str:
    """An office's keys share a hash tag, so that a script finds them on one node."""
    return f"booking:{{{office}}}:limit:{name}"
