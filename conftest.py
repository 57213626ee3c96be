"""Fixtures for all tests: real PostgreSQL, NATS and Redis, keys, offices, samples.

Every pytest process starts servers of its own when a test first asks for them (about a second): parallel workers share
nothing, and the kernel ends them with the process, however that ends.
"""

import asyncio
import importlib
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import pytest
import redis
from hypothesis import HealthCheck, settings
from prometheus_client import REGISTRY

from chassis.tokens import TokenSigner, generate_keys
from contracts.base import Event, Meta
from contracts.topology import SERVICES
from schalter.bus import apply
from schalter.embedded import Nats, Postgres, Redis, free_port
from schalter.installation import BusAccess

if TYPE_CHECKING:
    from contracts.offices import Office

ROOT = Path(__file__).parent

# A busy machine is no fault of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def _nothing_personal_is_logged() -> Iterator[None]:
    """Whatever a test does: nothing has to be taken out of what is logged meanwhile."""
    before = _redacted()
    yield
    assert _redacted() == before, "a log line held an address, a token or a person"


def _redacted() -> float:
    return REGISTRY.get_sample_value("schalter_log_lines_redacted_total") or 0


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
    """A Redis server without persistence, and with the services' users."""
    server = Redis(
        servers_dir / "redis",
        free_port(),
        password=secrets.token_hex(8),
        users={service: secrets.token_hex(8) for service in SERVICES},
        log=servers_dir / "redis.log",
        durable=False,
    )
    with server:
        yield server


@pytest.fixture(scope="module")
def nats_server(servers_dir: Path) -> Iterator[Nats]:
    """A NATS server for this test module, its streams empty; without users: anybody may do anything."""
    directory = servers_dir / f"nats-{secrets.token_hex(4)}"
    with Nats(directory, free_port(), log=servers_dir / f"{directory.name}.log", durable=False) as server:
        asyncio.run(apply(BusAccess(server.url, "")))
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
def redis_url(redis_server: Redis, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis that is empty when the test module begins; a service's tests may do what the service may.

    Keys that they leave there are known to its registry of personal data.
    """
    folder, service, *_ = request.path.relative_to(ROOT).parts
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        client.flushall()
        if folder == "services":  # and its tests may clean up, and cut lines
            tests = ("+flushdb", "+flushall", "+keys", "+scan", "+client|list", "+client|kill", "+script|flush")
            client.execute_command("ACL", "SETUSER", service, *tests)
        yield redis_server.user_url(service) if folder == "services" else redis_server.url
        if folder == "services":
            known = importlib.import_module(f"{service}.personal_data").REGISTRY.patterns()
            keys = client.keys()
            assert [key for key in keys if not any(fnmatchcase(key, pattern) for pattern in known)] == []


@pytest.fixture(scope="session")
def offices_dir() -> Path:
    """The offices that are shipped: heidelberg and demo."""
    return ROOT / "deploy" / "offices"


@pytest.fixture(scope="session")
def offices(offices_dir: Path) -> Mapping[str, "Office"]:
    """The shipped offices by slug."""
    from contracts.catalogue import load_catalogue
    from contracts.offices import load_offices

    return load_offices(offices_dir, load_catalogue())


class KeyPair(NamedTuple):
    """Ed25519, as the services read it from their environment."""

    private: str
    public: str


class Keys(NamedTuple):
    """Key pairs of this test run: `link` signs citizens' links (booking), `clerk` clerks' access (casework)."""

    link: KeyPair
    clerk: KeyPair


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Fresh keys."""
    return Keys(link=KeyPair(*generate_keys()), clerk=KeyPair(*generate_keys()))


@pytest.fixture(scope="session")
def citizen_token(keys: Keys) -> Callable[..., str]:
    """`citizen_token(appointment_id, office, gen=1, ttl=3600, now=None)`: what the link in the mail carries."""
    signer = TokenSigner(keys.link.private, issuer="booking", audience="citizen")

    def sign(
        appointment_id: UUID | str, office: str, gen: int = 1, ttl: int = 3600, now: datetime | None = None
    ) -> str:
        now = now or datetime.now(UTC)
        claims = {"sub": str(appointment_id), "office": office, "gen": gen}
        return signer.sign(claims, now=now, expires_at=now + timedelta(seconds=ttl))

    return sign


@pytest.fixture(scope="session")
def clerk_token(keys: Keys) -> Callable[..., str]:
    """`clerk_token(office, clerk_id=..., role="clerk", name="Erika Muster", ttl=600, now=None, sid=None)`: a signed-in
    clerk, with the session `sid` if it matters.
    """
    signer = TokenSigner(keys.clerk.private, issuer="casework", audience="clerk")

    def sign(
        office: str,
        clerk_id: UUID | str = "00000000-0000-4000-8000-00000000c1e4",
        role: str = "clerk",
        name: str = "Erika Muster",
        ttl: int = 600,
        now: datetime | None = None,
        sid: UUID | None = None,
    ) -> str:
        now = now or datetime.now(UTC)
        claims = {"sub": str(clerk_id), "office": office, "role": role, "display_name": name}
        if sid:
            claims["sid"] = str(sid)
        return signer.sign(claims, now=now, expires_at=now + timedelta(seconds=ttl))

    return sign


@pytest.fixture(scope="session")
def samples() -> Mapping[str, tuple[Meta, Event]]:
    """The frozen sample of every event, by subject."""
    from contracts.samples import load

    return load()


@pytest.fixture(scope="session")
def eventually() -> Callable[..., object]:
    """`eventually(fn, seconds=30)`: polls until `fn()` is truthy and returns that; fails the test after `seconds`."""

    def wait(condition: Callable[[], object], seconds: float = 30.0) -> object:
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {condition}")
            time.sleep(0.02)

    return wait
