"""Fixtures for all tests: real PostgreSQL, NATS and Redis, keys, offices, samples.

Every pytest process starts servers of its own when a test first asks for them (about a second), so that parallel workers
share nothing, and the kernel ends them with the process, however that ends.
"""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import redis

from contracts.base import Event, Meta
from schalter.embedded import Nats, Postgres, Redis, free_port
from schalter.keys import KeyPair, new_key_pair

if TYPE_CHECKING:
    from contracts.offices import Office

ROOT = Path(__file__).parent


@pytest.fixture(scope="session")
def servers_dir() -> Iterator[Path]:
    """A folder for the servers' data that PostgreSQL's unprivileged user can reach (pytest's own are closed)."""
    directory = Path(tempfile.mkdtemp(prefix="schalter-tests-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(servers_dir: Path) -> Iterator[Postgres]:
    """A PostgreSQL server. It does not fsync: it survives kill -9, but no power cut."""
    server = Postgres(
        servers_dir / "postgres",
        free_port(),
        password=secrets.token_hex(8),
        log=servers_dir / "postgres.log",
        durable=False,
    )
    with server:
        yield server


@pytest.fixture(scope="session")
def redis_server(servers_dir: Path) -> Iterator[Redis]:
    """A Redis server without persistence."""
    server = Redis(
        servers_dir / "redis", free_port(), password=secrets.token_hex(8), log=servers_dir / "redis.log", durable=False
    )
    with server:
        yield server


@pytest.fixture(scope="module")
def nats_server(servers_dir: Path) -> Iterator[Nats]:
    """A NATS server with empty streams for this test module, without users: anybody may do anything."""
    directory = servers_dir / f"nats-{secrets.token_hex(4)}"
    with Nats(directory, free_port(), log=servers_dir / f"{directory.name}.log", durable=False) as server:
        yield server
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def database_url(postgres: Postgres) -> Iterator[str]:
    """A fresh database for this test module; its role owns it and no other."""
    name = f"test_{secrets.token_hex(6)}"
    yield postgres.create_database(name, secrets.token_hex(8))
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def nats_url(nats_server: Nats) -> str:
    """The address of this test module's NATS."""
    return nats_server.url


@pytest.fixture(scope="module")
def redis_url(redis_server: Redis) -> str:
    """The address of a Redis that is empty when the test module begins."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def offices_dir() -> Path:
    """The offices that are shipped: heidelberg and demo."""
    return ROOT / "deploy" / "offices"


@pytest.fixture(scope="session")
def offices(offices_dir: Path) -> Mapping[str, "Office"]:
    """The shipped offices by slug."""
    from contracts.offices import load_offices

    return load_offices(offices_dir)


@dataclass(frozen=True)
class Keys:
    """Key pairs of this test run: `link` signs citizens' links (booking), `clerk` clerks' access (casework)."""

    link: KeyPair
    clerk: KeyPair


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Fresh Ed25519 keys."""
    return Keys(link=new_key_pair(), clerk=new_key_pair())


@pytest.fixture(scope="session")
def citizen_token(keys: Keys) -> Callable[..., str]:
    """`citizen_token(appointment_id, office, gen=1, ttl=3600)`: what the link in the mail carries."""
    from chassis.tokens import TokenSigner

    signer = TokenSigner(keys.link.private, "booking")

    def sign(appointment_id: UUID | str, office: str, gen: int = 1, ttl: int = 3600) -> str:
        claims = {"aud": "citizen", "sub": str(appointment_id), "office": office, "gen": gen}
        return signer.sign(claims, ttl)

    return sign


@pytest.fixture(scope="session")
def clerk_token(keys: Keys) -> Callable[..., str]:
    """`clerk_token(office, clerk_id=..., role="clerk", name="Erika Muster", ttl=600)`: a signed-in clerk."""
    from chassis.tokens import TokenSigner

    signer = TokenSigner(keys.clerk.private, "casework")

    def sign(
        office: str,
        clerk_id: UUID | str = "00000000-0000-4000-8000-00000000c1e4",
        role: str = "clerk",
        name: str = "Erika Muster",
        ttl: int = 600,
    ) -> str:
        claims = {"aud": "clerk", "sub": str(clerk_id), "office": office, "role": role, "name": name}
        return signer.sign(claims, ttl)

    return sign


@pytest.fixture(scope="session")
def samples() -> Mapping[str, tuple[Meta, Event]]:
    """The frozen sample of every event, by subject."""
    from contracts.samples import load

    return load()


@pytest.fixture(scope="session")
def eventually() -> Callable[..., object]:
    """`eventually(fn, seconds=10)`: polls until `fn()` is truthy and returns that; fails the test after `seconds`."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> object:
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {condition}")
            time.sleep(0.02)

    return wait
