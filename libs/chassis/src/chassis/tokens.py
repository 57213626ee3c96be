"""Signed tokens (JWT, EdDSA with Ed25519). The issuer holds the private key; everybody else only verifies.

Keys turn while the old ones' tokens live on: a token names its key (`kid`), and whoever verifies may know several.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis.problems import Unauthenticated

_ALGORITHM: Final = "EdDSA"


def _decode(key: str) -> bytes:
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def generate_keys() -> tuple[str, str]:
    """A new (private, public) pair: raw 32 bytes each, base64url without padding."""
    private = Ed25519PrivateKey.generate()
    return _encode(private.private_bytes_raw()), _encode(private.public_key().public_bytes_raw())


def key_id(public_key: str) -> str:
    """By what tokens name a key: the beginning of its SHA-256, for links are typed and printed."""
    return _encode(hashlib.sha256(_decode(public_key)).digest()[:6])


class TokenSigner:
    """Signs claims for one issuer and audience."""

    def __init__(self, private_key: str, *, issuer: str, audience: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(_decode(private_key))
        self._base = {"iss": issuer, "aud": audience}
        kid = key_id(_encode(self._key.public_key().public_bytes_raw()))
        self._head = _encode(json.dumps({"alg": _ALGORITHM, "typ": "JWT", "kid": kid}, separators=(",", ":")).encode())

    def sign(self, claims: Mapping[str, object], *, now: datetime, expires_at: datetime) -> str:
        """A token with `claims`, valid from `now` until `expires_at` (JWS compact serialisation, RFC 7515, 7.1)."""
        times = {"iat": int(now.timestamp()), "exp": int(expires_at.timestamp())}
        payload = json.dumps({**claims, **self._base, **times}, separators=(",", ":"))
        signed = f"{self._head}.{_encode(payload.encode())}"
        # Not by the library, which works the header out anew and costs as much again as the signature.
        return f"{signed}.{_encode(self._key.sign(signed.encode()))}"


class TokenVerifier:
    """Verifies tokens of one issuer for one audience."""

    def __init__(self, public_keys: str, *, issuer: str, audience: str) -> None:
        """`public_keys`: one or several, comma-separated; tokens that name none are the last one's, the oldest."""
        keys = [key.strip() for key in public_keys.split(",")]
        self._keys = {key_id(key): Ed25519PublicKey.from_public_bytes(_decode(key)) for key in keys}
        self._oldest = key_id(keys[-1])
        self._issuer, self._audience = issuer, audience

    def verify(self, token: str, *, now: datetime, leeway: timedelta = timedelta(seconds=5)) -> dict[str, Any]:
        """The claims of `token`. Raises Unauthenticated for anything forged, foreign or expired at `now`.

        Time is compared here and not by the library, so that tests and skewed clocks are in our hands.
        """
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("The link or sign-in is not valid.") from error
        if now.timestamp() > claims["exp"] + leeway.total_seconds():
            raise Unauthenticated("The link or sign-in has expired.")
        return claims

    def _key_of(self, token: str) -> Ed25519PublicKey:
        """Raises jwt.InvalidTokenError for what names a key that is unknown here, or is no token."""
        if len(self._keys) == 1:
            return self._keys[self._oldest]
        found = self._keys.get(jwt.get_unverified_header(token).get("kid", self._oldest))
        if found is None:
            raise jwt.InvalidTokenError("unknown key")
        return found
