"""Join tickets: the WebSocket cannot carry an Authorization header, and a token in its address would be logged."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis

LIFETIME: Final = timedelta(seconds=30)
#: Casework signs access tokens for ten minutes; clocks differ by less than one.
_ACCESS_LIFETIME: Final = timedelta(minutes=11)


class Claim(BaseModel):
    """What a ticket stands for: who may enter which room or lobby. `session` names the TURN credentials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["citizen", "clerk", "lobby"]
    office: str
    appointment_id: UUID | None
    clerk_id: UUID | None
    generation: int | None
    session: str
    #: The clerk's sign-in at casework: when it ends, so does what was opened with it.
    sign_in: UUID | None = None

    @property
    def actor(self) -> str:
        """How events name who acts."""
        return "citizen" if self.clerk_id is None else f"clerk:{self.clerk_id}"


class Tickets:
    """Issues and redeems tickets. Methods may raise redis.exceptions.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def issue(self, claim: Claim) -> str:
        """A new ticket: 256 random bits, single-use, dead after `LIFETIME`. Only its hash is stored."""
        ticket = secrets.token_urlsafe(32)
        await self._redis.set(_key(ticket), claim.model_dump_json(), px=LIFETIME)
        return ticket

    async def redeem(self, ticket: str) -> Claim | None:
        """The claim, once; None for an unknown, used or expired ticket."""
        stored = await self._redis.getdel(_key(ticket))
        return None if stored is None else Claim.model_validate_json(stored)


class SignIns:
    """Which sign-ins of clerks have ended while their access tokens are still out, and their sockets open.

    Methods may raise redis.exceptions.RedisError.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def end(self, sign_ins: Iterable[UUID]) -> None:
        """Remember that these are over, for as long as their last access tokens could be shown here."""
        for sign_in in sign_ins:
            await self._redis.set(_sign_in(sign_in), 1, px=_ACCESS_LIFETIME)

    async def ended(self, sign_ins: Collection[UUID]) -> set[UUID]:
        """Those of `sign_ins` that are over."""
        known = list(sign_ins)
        found = await self._redis.mget([_sign_in(each) for each in known]) if known else []
        return {each for each, over in zip(known, found, strict=True) if over is not None}


def _sign_in(sign_in: UUID) -> str:
    return f"signaling:signed-out:{sign_in}"


def expires_at(now: datetime) -> datetime:
    """When a ticket issued at `now` dies."""
    return now + LIFETIME


def _key(ticket: str) -> str:
    return f"signaling:ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
