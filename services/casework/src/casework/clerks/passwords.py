"""Passwords: Argon2id, in worker threads, and as much work for a name that does not exist as for one that does."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_HASHER = PasswordHash((Argon2Hasher(),))
#: One hash takes 64 MB and a core for 0.1 s: more than two at once would let anybody starve the service.
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def hashed(password: str) -> str:
    """The Argon2id hash of `password`."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _HASHER.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether `password` has this hash. Without one (nobody has the name) it takes as long and is False."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _verify, password, password_hash)


async def prepare() -> None:
    """Make the hash that unknown names are checked against, so that the first of them does not take longer."""
    await asyncio.get_running_loop().run_in_executor(_POOL, _nobody)


def _verify(password: str, password_hash: str | None) -> bool:
    fits = _HASHER.verify(password, password_hash or _nobody())
    return fits and password_hash is not None


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))
