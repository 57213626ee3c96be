"""How often, within a sliding window, in Redis. One script, one round trip, however many windows are looked at.

What is counted is counted in the step that does it, or before it. `COUNTING` is for scripts that do something
themselves, as holds are placed: looking, doing and counting are one. What the database does is counted before and taken
back if nothing came of it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from booking.limits.model import Window
from booking.limits.proof import Proof
from chassis.problems import Problem

#: After a failure nobody asks Redis for so long, lest every citizen waits for a time-out.
PAUSE_SECONDS: Final = 1.0
#: Instead of a number of doings: any number.
_ANY: Final = 2**31

_log = structlog.get_logger(__name__)

#: The Lua functions `look` and `count`. Each window is a sorted set: who (a request's pseudonym), by when
#: (milliseconds). `k` is where a toll's keys begin, `a` where its arguments do (`Toll.keys`, `Toll.arguments`).
COUNTING: Final = """
local function look(k, a)
  local now, room, passes, known, answer = tonumber(ARGV[a + 1]), 1, true, #KEYS > k, {}
  if ARGV[a + 2] ~= '0' and redis.call('EXISTS', KEYS[k]) == 1 then room = 0 end
  for index = k + 1, #KEYS do
    local at = a + 3 + 4 * (index - k - 1)
    local at_most, window, wait = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), 0
    redis.call('ZREMRANGEBYSCORE', KEYS[index], '-inf', now - window)
    local before = redis.call('ZCARD', KEYS[index])
    if before >= at_most then
      wait = redis.call('ZRANGE', KEYS[index], before - at_most, before - at_most, 'WITHSCORES')[2] + window - now
    end
    passes = passes and before < tonumber(ARGV[at + room])
    known = known and redis.call('ZSCORE', KEYS[index], ARGV[a]) ~= false
    answer[#answer + 1] = before
    answer[#answer + 1] = wait
  end
  return known, passes, answer
end
local function count(k, a)
  local added = {}
  for index = k + 1, #KEYS do
    if redis.call('ZADD', KEYS[index], ARGV[a + 1], ARGV[a]) == 1 then added[#added + 1] = KEYS[index] end
    redis.call('PEXPIRE', KEYS[index], ARGV[a + 6 + 4 * (index - k - 1)])
  end
  if ARGV[a + 2] ~= '0' then redis.call('SET', KEYS[k], 1, 'PX', ARGV[a + 2]) end
  return added
end
"""

# A request that is repeated finds itself there and passes without being counted again. Two may be under way under one
# name: `tries` says how many, so that one that fails does not take back what the other is counted for. Besides it
# stands which windows they were added to: what an earlier one that came to something is counted for is not theirs.
_COUNT: Final = (
    COUNTING
    + """
local known, passes, answer = look(2, 2)
if not known then
  if not passes then return {0, unpack(answer)} end
  redis.call('DEL', KEYS[1])
  for _, key in ipairs(count(2, 2)) do redis.call('HSET', KEYS[1], key, 1) end
end
redis.call('HINCRBY', KEYS[1], 'tries', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {1, unpack(answer)}
"""
)

_FORGET: Final = """
if redis.call('HINCRBY', KEYS[1], 'tries', -1) > 0 then return end
for index = 2, #KEYS do
  if redis.call('HEXISTS', KEYS[1], KEYS[index]) == 1 then redis.call('ZREM', KEYS[index], ARGV[1]) end
end
redis.call('DEL', KEYS[1])
"""


class CountersLostError(Exception):
    """Redis does not answer: nobody knows how often."""


@dataclass(frozen=True)
class Count:
    """How many there were in a window before this one, and when there is room again (0: there is)."""

    before: int
    wait_ms: int


@dataclass(frozen=True)
class Toll:
    """What is looked at and counted for one request: `windows`, under the request's pseudonym `member`.

    `proof`: what its sender has worked. `refusal` says what somebody is told for whom there is no room.
    """

    member: str
    windows: Sequence[Window]
    now: datetime
    proof: Proof | None
    refusal: Callable[[Sequence[Count]], Problem]

    def keys(self, office: str, *, spends: bool = False) -> list[str]:
        """For `COUNTING`. With `spends` the script spends the proof, too: it is good for one thing."""
        spent = str(self.proof.id) if spends and self.proof else "none"
        return [_key(office, f"spent:{spent}"), *(_key(office, window.name) for window in self.windows)]

    def arguments(self, *, spends: bool = False) -> list[int | str]:
        """For `COUNTING`, with the same `spends`."""
        proven, life = (None, 0) if self.proof is None else (self.proof.level, 0)
        if spends and self.proof:
            life = max(1, _milliseconds(self.proof.expires_at.timestamp() - self.now.timestamp()))
        arguments: list[int | str] = [self.member, _milliseconds(self.now.timestamp()), life]
        for window in self.windows:
            rooms = (_number(window.room(None)), _number(window.room(proven)), _number(window.end))
            arguments += [*rooms, 1000 * window.limit.seconds]
        return arguments

    def refused(self, answer: Sequence[Any]) -> Problem:
        """What somebody is told, from what `look` found."""
        return self.refusal(_counts(answer))

    @property
    def life_ms(self) -> int:
        """How long something of this toll is counted."""
        return max(1000 * window.limit.seconds for window in self.windows)


class Counters:
    """Counts what the database does."""

    def __init__(self, redis: Redis) -> None:
        self._count = redis.register_script(_COUNT)
        self._forget = redis.register_script(_FORGET)
        self._paused_until = 0.0

    async def count(self, office: str, toll: Toll) -> Sequence[Count]:
        """Counts if there is room in all windows, or raises the toll's refusal; a repetition counts once.

        What was counted before, window by window.

        Atomic: of fifty requests at once no more pass than there is room for. Raises CountersLostError when Redis is
        away.
        """
        if time.monotonic() < self._paused_until:
            raise CountersLostError
        try:
            passed, *found = await self._count(
                keys=[_tries(office, toll), *toll.keys(office)], args=[toll.life_ms, *toll.arguments()]
            )
        except (RedisError, OSError) as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            _log.warning("limits_without_redis", error=type(error).__name__)
            raise CountersLostError from error
        if not passed:
            raise toll.refused(found)
        return _counts(found)

    async def forget(self, office: str, toll: Toll) -> None:
        """Takes it back, where this try counted it: nothing came of it. Without Redis there is nothing to do."""
        if time.monotonic() < self._paused_until:
            return
        try:
            windows = toll.keys(office)[1:]
            await self._forget(keys=[_tries(office, toll), *windows], args=[toll.member])
        except (RedisError, OSError) as error:
            _log.info("count_not_taken_back", error=type(error).__name__)


def window_keys(office: str, windows: Sequence[Window]) -> list[str]:
    """The keys of `windows`, for a script that takes something out of them."""
    return [_key(office, window.name) for window in windows]


def _counts(answer: Sequence[Any]) -> Sequence[Count]:
    return [Count(int(before), int(wait)) for before, wait in zip(answer[::2], answer[1::2], strict=True)]


def _tries(office: str, toll: Toll) -> str:
    return _key(office, f"tries:{toll.member}")


def _key(office: str, name: str) -> str:
    """An office's keys share a hash tag, so that a script finds them on one node."""
    return f"booking:{{{office}}}:limit:{name}"


def _number(many: int | None) -> int:
    return _ANY if many is None else many


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
