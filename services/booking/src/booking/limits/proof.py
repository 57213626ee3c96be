"""Proof of work (altcha, version 2 of its protocol): what a visitor's device is asked to reckon, and the check.

A challenge is stateless: parameters, signed by us. The device tries counters 0, 1, 2, ... until PBKDF2 of the nonce and
the counter begins with `keyPrefix`. The right counter was drawn by us, so that the work has an upper bound, and the
signed `keySignature` makes the check cost one HMAC. PBKDF2 and not plain SHA-256: a browser's hashes cost a hundred
times what a bot's native ones do, its PBKDF2 costs the same.
"""

import hashlib
import json
import secrets
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import altcha
from pydantic import JsonValue

from booking.limits.model import MAX_LEVEL, Action

LIFETIME: Final = timedelta(minutes=10)
ALGORITHM: Final = "PBKDF2/SHA-256"
#: Iterations per counter: one takes a phone about a millisecond, and us a third of it to make the challenge.
COST: Final = 1_000
#: Base64 of a payload takes about 1,000 characters.
MAX_CHARACTERS: Final = 4_096


@dataclass(frozen=True)
class Proof:
    """A solved challenge. `id` is what it is known by once it is spent."""

    id: UUID
    level: int
    expires_at: datetime


class Challenges:
    """Issues challenges and checks their solutions."""

    def __init__(self, secret: bytes, *, work: int) -> None:
        """`work`: how many counters the easiest challenge takes at least; it takes less than twice as many."""
        self._work = work
        self._challenge_secret = hashlib.sha256(secret + b"challenge").digest()
        self._key_secret = hashlib.sha256(secret + b"key").digest()

    def issue(self, office: str, action: Action, level: int, now: datetime) -> JsonValue:
        """A challenge for one `action` at one `office`, good for ten minutes; every level doubles the work."""
        challenge = altcha.create_challenge(
            ALGORITHM,
            COST,
            counter=(self._work + secrets.randbelow(self._work)) << min(level, MAX_LEVEL),
            # Not the library's `expiresAt`: it would be compared with the machine's clock instead of ours.
            data={
                "office": office,
                "action": action,
                "level": level,
                "expires": int((now + LIFETIME).timestamp()),
            },
            hmac_secret=self._challenge_secret,
            hmac_key_secret=self._key_secret,
        )
        document: JsonValue = challenge.to_dict()
        return document

    def check(self, payload: str, office: str, action: Action, now: datetime) -> Proof | None:
        """What `payload` (base64 of JSON) proves; None if it is wrong, forged, expired, or for something else."""
        data = _data(payload)
        if data is None:
            return None
        solved = altcha.verify_solution(payload, self._challenge_secret, hmac_key_secret=self._key_secret)
        if not solved.verified:
            return None
        # From here on the data is what we signed.
        expires_at = datetime.fromtimestamp(data["expires"], UTC)
        if (data["office"], data["action"]) != (office, action) or now >= expires_at:
            return None
        return Proof(UUID(bytes=hashlib.sha256(data["nonce"].encode()).digest()[:16]), data["level"], expires_at)


def _data(payload: str) -> dict[str, Any] | None:
    """What a payload says of itself, unchecked."""
    try:
        parameters = json.loads(b64decode(payload, validate=True))["challenge"]["parameters"]
        data = parameters["data"]
        # A challenge without the signature of its key would be checked by reckoning it anew, at its own cost.
        if not parameters["keySignature"]:
            return None
        return {
            "nonce": parameters["nonce"],
            "office": data["office"],
            "action": data["action"],
            "level": data["level"],
            "expires": data["expires"],
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
