"""Ed25519 key pairs as the services read them: raw 32 bytes, base64url without padding."""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class KeyPair:
    """A private key and its public half."""

    private: str
    public: str


def new_key_pair() -> KeyPair:
    """A fresh random pair."""
    key = Ed25519PrivateKey.generate()
    return KeyPair(private=_text(key.private_bytes_raw()), public=_text(key.public_key().public_bytes_raw()))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
