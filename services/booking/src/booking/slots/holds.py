"""Slots kept for citizens while they type, in Redis.

A hold takes a lane for a range of time, like an appointment does, so that both add up. It is a courtesy, never the
truth: when Redis is lost, holds are lost, and the database still decides who gets a slot.
"""

import asyncio
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple
from uuid import UUID

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from booking.limits.counters import COUNTING, Toll, window_keys
from booking.limits.model import Window
from booking.slots.store import MAX_OCCUPIED
from booking.timetable.model import BusyTime
from chassis import scripts
from chassis.problems import Problem

TTL = timedelta(minutes=5)
#: A hold is extended while its citizen is active, but ends this long after it was placed.
LIMIT = timedelta(minutes=20)
#: After a failure nobody asks Redis for so long, lest every citizen waits for a time-out.
PAUSE_SECONDS = 1.0
#: What was read to be shown is shown to others too for so long: a rush on one office asks Redis once for everybody.
SHOWN_SECONDS = 0.05
#: After so long a hold whose slot is booked is given back, if nothing was asked meanwhile that could take it along.
RELEASE_SECONDS = 0.1
#: Later than any hold, in seconds since 1970; Redis' Lua writes it without an exponent.
_EVER = 2**33
#: Instead of a lane: the toll asks for more.
_REFUSED = -1
_LONGEST = int(MAX_OCCUPIED.total_seconds())

_log = structlog.get_logger(__name__)
_unavailable = Counter(
    "schalter_booking_holds_unavailable_total", "Requests served without holds because Redis was away."
)

# Expiry is Redis's own, so that a wrong clock on one of our machines neither frees nor keeps a slot. A member of the
# sorted set (score = start) outlives its hold until a script meets it. An office's keys share a hash tag: one node.
_LEAVE = """
for id in ARGV[1]:gmatch('%S+') do
  redis.call('DEL', KEYS[2] .. id)
  redis.call('ZREM', KEYS[1], id)
end
"""
_COMMON = (
    _LEAVE
    + """
local length = tonumber(ARGV[2])
local function overlapping(low, high)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. (low - length), '(' .. high)) do
    local raw = redis.call('GET', KEYS[2] .. id)
    if raw then
      local lane, s, e, limit = raw:match('^(%d+) (%-?%d+) (%-?%d+) (%d+)$')
      if tonumber(e) > low then found[#found + 1] = {id, tonumber(lane), tonumber(s), tonumber(e)} end
    else
      redis.call('ZREM', KEYS[1], id)
    end
  end
  return found
end
"""
)
_ACTIVE = _COMMON + "return overlapping(tonumber(ARGV[3]), tonumber(ARGV[4]))"
# Only what is placed is counted, and only what is counted is placed; the proof is spent with it, or not at all. A hold
# that moves ends when it would have, and one that is over is a new one.
_PLACE = (
    _COMMON
    + COUNTING
    + """
local id, low, high = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local dice, ttl, limit = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local held, mine = {}, nil
for _, hold in ipairs(overlapping(low, high)) do
  if hold[1] ~= id then held[hold[2]] = true
  elseif hold[3] == low and hold[4] == high then mine = hold[2] end
end
local free = {}
for number in ARGV[9]:gmatch('%d+') do
  local lane = tonumber(number)
  if not held[lane] then
    if lane == mine then return {lane, redis.call('PTTL', KEYS[2] .. id)} end
    free[#free + 1] = lane
  end
end
if #free == 0 then return false end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local placed = redis.call('GET', KEYS[2] .. id)
local deadline = placed and tonumber(placed:match(' (%d+)$'))
if #KEYS > 2 then
  local known, passes, answer = look(3, 10)
  if not (known and deadline) and not passes then return {-1, unpack(answer)} end
  count(3, 10)
end
local lane = free[dice % #free + 1]
deadline = deadline or now + limit
ttl = math.max(1, math.min(ttl, deadline - now))
redis.call('SET', KEYS[2] .. id, string.format('%d %d %d %d', lane, low, high, deadline), 'PX', ttl)
redis.call('ZADD', KEYS[1], low, id)
redis.call('PEXPIRE', KEYS[1], limit)
return {lane, ttl}
"""
)
# What is given back is not counted any more, in the same step: nobody holds uncounted.
_RELEASE = _LEAVE + "for index = 3, #KEYS do redis.call('ZREM', KEYS[index], ARGV[2]) end"
_FIND = """
local raw = redis.call('GET', KEYS[1])
if not raw then return false end
local lane, low, high, deadline = raw:match('^(%d+) (%-?%d+) (%-?%d+) (%d+)$')
local left = redis.call('PTTL', KEYS[1])
local clock = redis.call('TIME')
local ttl = math.min(tonumber(ARGV[1]), deadline - clock[1] * 1000 - math.floor(clock[2] / 1000))
if ttl > left then
  redis.call('PEXPIRE', KEYS[1], ttl)
  left = ttl
end
return {tonumber(lane), tonumber(low), tonumber(high), left}
"""


class HoldsLostError(Exception):
    """Redis does not answer: there are no holds now. Callers go on without, or say so."""


class Hold(NamedTuple):
    """A lane kept from `start` to `end` (seconds since 1970) until `expires_at`."""

    id: UUID
    lane: int
    start: int
    end: int
    expires_at: datetime


class HeldBusy(NamedTuple):
    """What others see of a hold: that a lane is taken."""

    id: UUID
    busy: BusyTime


def connect(url: str, seconds: float = 0.25) -> Redis:
    """A client that gives up quickly: one immediate retry (a dead connection), `seconds` each."""
    return scripts.connect(
        url,
        seconds,
        decode_responses=True,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1),
    )


class Holds:
    """Places, extends, lists and releases holds. Every method raises HoldsLostError when Redis is away."""

    def __init__(self, redis: Redis, *, ttl: timedelta = TTL, limit: timedelta = LIMIT) -> None:
        self._ttl = _milliseconds(ttl)
        self._limit = _milliseconds(limit)
        self._redis = redis
        self._active = redis.register_script(_ACTIVE)
        self._place = redis.register_script(_PLACE)
        self._find = redis.register_script(_FIND)
        self._release = redis.register_script(_RELEASE)
        self._paused_until = 0.0
        self._shown: dict[str, tuple[float, asyncio.Task[list[HeldBusy]]]] = {}
        self._leaving: dict[str, set[UUID]] = {}
        self._releasing: set[asyncio.Task[None]] = set()

    async def place(
        self,
        office: str,
        hold_id: UUID,
        time: tuple[int, int],
        *,
        lanes: Collection[int],
        now: datetime,
        toll: Toll | None = None,
    ) -> Hold | Problem | None:
        """Keeps one of `lanes` for a `time` (start and end, seconds since 1970); None if others hold them all.

        Atomic against all other holds, and with its `toll`: the hold counts and its proof is spent, or there is none,
        and the toll's refusal is returned. A living hold of the same id moves here, with the end that it has, or stays
        where it is when there is no room; repeating the call with the same time changes nothing, and needs no proof.
        """
        start, end = time
        arguments: list[int | str] = [
            *(self._leaving_now(office), _LONGEST, str(hold_id), start, end, secrets.randbelow(2**31)),
            *(self._ttl, self._limit, " ".join(map(str, lanes))),
        ]
        keys = [_starts(office), _hold(office)]
        if toll is not None:
            keys += toll.keys(office, spends=True)
            arguments += toll.arguments(spends=True)
        with self._reachable():
            placed = await self._place(keys=keys, args=arguments)
        self._shown.pop(office, None)
        if placed is None:
            return None
        if toll is not None and placed[0] == _REFUSED:
            return toll.refused(placed[1:])
        lane, left = placed
        return Hold(hold_id, lane, start, end, now + timedelta(milliseconds=left))

    async def extend(self, office: str, hold_id: UUID, *, now: datetime) -> Hold | None:
        """Lets the hold live for the full time again, but never beyond its limit; None if it is gone."""
        return await self._look(office, hold_id, self._ttl, now)

    async def find(self, office: str, hold_id: UUID, *, now: datetime) -> Hold | None:
        """The hold as it is; None if it is gone."""
        return await self._look(office, hold_id, 0, now)

    async def release(self, office: str, *hold_ids: UUID) -> None:
        """Gives slots back; a hold that is gone already is no error."""
        await self._give_back(office, hold_ids, (), "")

    async def give_back(self, office: str, hold_id: UUID, windows: Sequence[Window], member: str) -> None:
        """As `release`, and what was counted as `member` in these `windows` is not any more."""
        await self._give_back(office, (hold_id,), windows, member)

    async def _give_back(self, office: str, hold_ids: Sequence[UUID], windows: Sequence[Window], member: str) -> None:
        keys = [_starts(office), _hold(office), *window_keys(office, windows)]
        with self._reachable():
            await self._release(keys=keys, args=[" ".join(map(str, hold_ids)), member])
        self._shown.pop(office, None)

    def release_soon(self, office: str, hold_id: UUID) -> None:
        """Gives a slot back that is booked now: with whatever is asked next about the office's holds, or in a moment.

        To this process it is gone at once. Should that fail, it expires.
        """
        leaving = self._leaving.setdefault(office, set())
        if not leaving:
            asyncio.get_running_loop().call_later(RELEASE_SECONDS, self._release_those_leaving, office)
        leaving.add(hold_id)
        self._shown.pop(office, None)

    def _leaving_now(self, office: str) -> str:
        return " ".join(map(str, self._leaving.pop(office, ())))

    def _release_those_leaving(self, office: str) -> None:
        async def release() -> None:
            # Until here whoever asks takes them along, so that nobody finds them.
            if hold_ids := self._leaving.pop(office, None):
                with suppress(HoldsLostError):
                    await self.release(office, *hold_ids)

        task = asyncio.create_task(release())
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def active(self, office: str, start: int, end: int) -> list[HeldBusy]:
        """All living holds that overlap the range from `start` to `end`."""
        with self._reachable():
            found = await self._active(
                keys=[_starts(office), _hold(office)], args=[self._leaving_now(office), _LONGEST, start, end]
            )
        return [HeldBusy(UUID(hold_id), BusyTime(lane, low, high)) for hold_id, lane, low, high in found]

    async def shown(self, office: str, start: int, end: int) -> list[HeldBusy]:
        """As `active`, for showing: what other processes placed or released in the last 50 ms may be missing."""
        now = monotonic()
        until, reading = self._shown.get(office, (0.0, None))
        if reading is None or until < now:
            reading = asyncio.create_task(self.active(office, 0, _EVER))
            self._shown[office] = now + SHOWN_SECONDS, reading
        held = reading.result() if reading.done() else await asyncio.shield(reading)
        return [each for each in held if each.busy.start < end and start < each.busy.end]

    async def _look(self, office: str, hold_id: UUID, ttl: int, now: datetime) -> Hold | None:
        if hold_id in self._leaving.get(office, ()):
            return None
        with self._reachable():
            found = await self._find(keys=[_hold(office) + str(hold_id)], args=[ttl])
        if found is None:
            return None
        lane, start, end, left = found
        return Hold(hold_id, lane, start, end, now + timedelta(milliseconds=left))

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        if monotonic() < self._paused_until:
            _unavailable.inc()
            raise HoldsLostError
        try:
            yield
        except (RedisError, OSError) as error:
            self._paused_until = monotonic() + PAUSE_SECONDS
            _unavailable.inc()
            _log.warning("holds_unavailable", error=type(error).__name__)
            raise HoldsLostError from error


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


def _starts(office: str) -> str:
    return f"booking:{{{office}}}:holds"


def _hold(office: str) -> str:
    """The prefix of an office's holds; the id follows."""
    return f"booking:{{{office}}}:hold:"
