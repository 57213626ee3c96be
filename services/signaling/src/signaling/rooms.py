"""Who is where, in Redis: the seats of every room, and who is at work in every office.

A seat is one role in one room, held by one connection of one instance of this service. Taking a seat replaces whoever
held it, on whatever instance. A seat lives only while its instance refreshes it, so a killed instance leaves no ghosts.
Nothing here is a record: after a loss of Redis the living connections take their seats anew, and what must outlast that
(admission, the events) is in PostgreSQL.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self, cast
from uuid import UUID

from redis.asyncio import Redis

from signaling.protocol import Role

#: Life of a seat without refresh. With a refresh every second a dead instance's people are absent after at most 6 s.
SEAT_MS: Final = 5_000
#: How long somebody may be away before it counts as having left: reloads and new networks take 0.4 to 9 s (measured).
GRACE_MS: Final = 10_000
#: For how long it is known of a call that its path was told.
_TOLD_SECONDS: Final = 86_400
_BATCH: Final = 250
_DEPARTURES: Final = "signaling:departures"

# Redis' own clock decides everywhere: the instances' clocks need not agree.
_NOW: Final = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
_TAKE: Final = (
    _NOW
    + """
local old = redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'GET')
redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[4])
return {old or '', redis.call('GET', KEYS[2]) or ''}
"""
)
# A missing seat is taken anew (Redis was lost or the refresh late); one that another connection holds is left alone.
_REFRESH: Final = (
    _NOW
    + """
local answer = {}
for i = 1, #ARGV - 2, 2 do
  local own, peer = KEYS[i + 1], KEYS[i + 2]
  local holder = redis.call('GET', own)
  if not holder or holder == ARGV[i + 2] then
    redis.call('SET', own, ARGV[i + 2], 'PX', ARGV[1])
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[i + 3])
    holder = ARGV[i + 2]
  end
  answer[#answer + 1] = holder
  answer[#answer + 1] = redis.call('GET', peer) or ''
end
return answer
"""
)
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('DEL', KEYS[1])
return redis.call('GET', KEYS[2]) or ''
"""
_DUE: Final = (
    _NOW
    + """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 200)
if #due > 0 then redis.call('ZREM', KEYS[1], unpack(due)) end
return due
"""
)
_EXPECT: Final = (
    _NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'NX', now + ARGV[1], ARGV[i]) end
"""
)
_AT_WORK: Final = (
    _NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('EXPIRE', KEYS[1], 60)
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
)


@dataclass(frozen=True, slots=True)
class Seat:
    """Which connection of which instance holds a role in a room, and of which page load it is."""

    instance: str
    connection: str
    epoch: str

    def __str__(self) -> str:
        return f"{self.instance} {self.connection} {self.epoch}"

    @classmethod
    def read(cls, value: str) -> Self | None:
        """The seat behind a stored value; None for the empty one."""
        return cls(*value.split(" ")) if value else None


@dataclass(frozen=True, slots=True)
class Place:
    """One role in one room."""

    appointment_id: UUID
    role: Role

    @property
    def key(self) -> str:
        """The Redis key of the seat."""
        return f"signaling:seat:{self.appointment_id}:{self.role}"

    @property
    def opposite(self) -> "Place":
        """The other role in the same room."""
        return Place(self.appointment_id, "clerk" if self.role == "citizen" else "citizen")

    @property
    def member(self) -> str:
        """How the list of departures names it."""
        return f"{self.appointment_id} {self.role}"

    @classmethod
    def of_member(cls, member: str) -> "Place":
        """Read back `member`."""
        appointment_id, role = member.split(" ")
        return cls(UUID(appointment_id), "clerk" if role == "clerk" else "citizen")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh found: who holds the seat now (another one: we were replaced), and who sits opposite."""

    holder: Seat
    peer: Seat | None


class Rooms:
    """The seats of all rooms. Every method may raise redis.exceptions.RedisError; callers decide what that means."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take = redis.register_script(_TAKE)
        self._refresh = redis.register_script(_REFRESH)
        self._release = redis.register_script(_RELEASE)
        self._due = redis.register_script(_DUE)
        self._expect = redis.register_script(_EXPECT)
        self._at_work = redis.register_script(_AT_WORK)

    async def ping(self) -> None:
        """Raise unless Redis answers."""
        await self._redis.ping()

    async def take(self, place: Place, seat: Seat) -> tuple[Seat | None, Seat | None]:
        """Sit down. Returns (who was replaced, who sits opposite), decided in one step over all instances."""
        old, peer = await self._take(
            keys=[place.key, place.opposite.key, _DEPARTURES], args=[str(seat), SEAT_MS, GRACE_MS, place.member]
        )
        return Seat.read(old), Seat.read(peer)

    async def refresh(self, held: Sequence[tuple[Place, Seat]]) -> list[Refreshed]:
        """Keep seats for another `SEAT_MS`, and see what changed. The answers are in the order of `held`."""
        answers: list[Refreshed] = []
        for start in range(0, len(held), _BATCH):
            batch = held[start : start + _BATCH]
            keys = [_DEPARTURES, *itertools.chain.from_iterable((p.key, p.opposite.key) for p, _ in batch)]
            members = itertools.chain.from_iterable((str(seat), place.member) for place, seat in batch)
            args: list[str | int] = [SEAT_MS, GRACE_MS, *members]
            found = await self._refresh(keys=keys, args=args)
            for index, (_, seat) in enumerate(batch):
                answers.append(Refreshed(Seat.read(found[2 * index]) or seat, Seat.read(found[2 * index + 1])))
        return answers

    async def release(self, place: Place, seat: Seat) -> tuple[bool, Seat | None]:
        """Stand up, unless somebody else sits there by now. Returns (whether it was ours, who sits opposite)."""
        peer = await self._release(keys=[place.key, place.opposite.key], args=[str(seat)])
        return peer is not None, Seat.read(peer or "")

    async def seats(self, appointment_id: UUID) -> list[Seat]:
        """Everybody present in a room."""
        citizen = Place(appointment_id, "citizen")
        return [seat for value in await self._values([citizen, citizen.opposite]) if (seat := Seat.read(value or ""))]

    async def occupied(self, places: Sequence[Place]) -> list[bool]:
        """Which of the places somebody holds now."""
        return [value is not None for value in await self._values(places)]

    async def first_told(self, place: Place) -> bool:
        """Whether nothing was counted of this one's path before, on whatever connection: a call counts once a day."""
        key = f"signaling:told:{place.member.replace(' ', ':')}"
        return bool(await self._redis.set(key, "1", nx=True, ex=_TOLD_SECONDS))

    async def _values(self, places: Sequence[Place]) -> list[str | None]:
        if not places:
            return []
        # The client decodes answers (chassis.redis.connect), which its type does not tell.
        return cast("list[str | None]", await self._redis.mget([place.key for place in places]))

    async def due_departures(self) -> list[Place]:
        """Those whose grace is over. Each is handed to exactly one caller; check `occupied` before believing it."""
        return [Place.of_member(member) for member in await self._due(keys=[_DEPARTURES])]

    async def expect(self, places: Sequence[Place]) -> None:
        """Start the grace of people who are on record as present but unknown here (Redis was lost)."""
        if places:
            await self._expect(keys=[_DEPARTURES], args=[GRACE_MS, *(place.member for place in places)])

    async def forget(self, place: Place) -> None:
        """Somebody left for good: no grace."""
        await self._redis.zrem(_DEPARTURES, place.member)

    async def clerks_at_work(self, office: str, here: Sequence[str] = ()) -> set[str]:
        """The ids of the office's clerks who have a socket open; `here` are added for another `SEAT_MS`."""
        return set(await self._at_work(keys=[f"signaling:clerks:{office}"], args=[SEAT_MS, *here]))
