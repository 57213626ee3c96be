"""Signing in: how long sessions live, when a refresh token is good, and how often one may guess."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from casework.errors import SessionEnded
from contracts.actors import Role

ACCESS_LIFETIME = timedelta(minutes=10)
#: A session ends when nobody used it for this long, and after a working day in any case.
IDLE_LIFETIME = timedelta(hours=1)
SESSION_LIFETIME = timedelta(hours=12)
#: How long a session is kept: until the others have heard for certain that it is over.
KEPT = SESSION_LIFETIME + timedelta(minutes=5)
#: Two tabs refresh at the same moment with the same token: for this long the one before still counts.
ROTATION_GRACE = timedelta(seconds=10)
ATTEMPT_WINDOW = timedelta(minutes=15)
#: How many tries a window has, per kind of bucket. The name alone has more, or anybody could lock a clerk out.
ATTEMPTS = {"name_and_address": 5, "address": 30, "name": 50}


@dataclass(frozen=True)
class Account:
    """A clerk, as far as signing in needs to know."""

    clerk_id: UUID
    office: str
    name: str
    role: Role
    password_hash: str
    active: bool


@dataclass
class Session:
    """One sign-in on one device. Its refresh token changes with every use."""

    session_id: UUID
    clerk_id: UUID
    token_hash: str
    created_at: datetime
    rotated_at: datetime
    previous_hash: str | None = None
    revoked_at: datetime | None = None

    def require_alive(self, now: datetime) -> None:
        """Raises SessionEnded after sign-out, an hour of idleness, or twelve hours."""
        if self.revoked_at or now >= self.rotated_at + IDLE_LIFETIME or now >= self.created_at + SESSION_LIFETIME:
            raise SessionEnded("You are signed out.")

    def judge(self, token: str, now: datetime) -> Literal["current", "just_replaced", "stolen"]:
        """What a presented refresh token is. One that was replaced a while ago is in two hands, one a thief's."""
        if secrets.compare_digest(token_hash(token), self.token_hash):
            return "current"
        return "just_replaced" if now < self.rotated_at + ROTATION_GRACE else "stolen"

    def rotate(self, now: datetime) -> str:
        """Replace the refresh token; the new one, which is kept nowhere else."""
        token = new_token()
        self.previous_hash, self.token_hash, self.rotated_at = self.token_hash, token_hash(token), now
        return token


def new_token() -> str:
    """A refresh token: 256 bits, for a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a refresh token. A fast hash is enough: nobody guesses 256 bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def buckets(office: str, username: str, address: str) -> dict[str, int]:
    """The counters that one try falls into, each with its limit. Hashed: a mistyped name is sometimes a password."""
    name = f"{office}/{username}"
    keys = {
        "name_and_address": f"name {name} address {address}",
        "address": f"address {address}",
        "name": f"name {name}",
    }
    return {hashlib.sha256(key.encode()).hexdigest(): ATTEMPTS[kind] for kind, key in keys.items()}
