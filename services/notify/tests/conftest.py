"""notify on a real database, with a clock in our hands."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twin_office import Twin, is_twins, move_in

from chassis import migrations
from chassis.consumer import Consumer, process
from chassis.database import Database, Transaction
from contracts.base import Event, Meta
from contracts.offices import Office
from notify import store
from notify.app import MIGRATIONS, build
from notify.consumers import Queued, consumers
from notify.settings import Settings

#: What a twin's citizens are written is not sent: the sender works for all offices.
TWIN = Twin(instead={"message": {"key": "twin_text(new.key)", "next_try_at": "NULL", "valid_until": "NULL"}})


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _no_clock_for_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The retention clock looks for offices without a file, too; the twins keep their rows."""
    offices = store.offices_with_people

    async def known(tx: Transaction) -> list[str]:
        return [office for office in await offices(tx) if not is_twins(office)]

    monkeypatch.setattr(store, "offices_with_people", known)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await migrations.upgrade(database_url, MIGRATIONS)
    await move_in(database_url, TWIN)
    database = Database(database_url, pool_size=30)  # many act at once here, on machines with much else to do
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE message, recipient, reminder, inbox, outbox")
    yield database
    await database.close()


@pytest.fixture
def apply(
    database: Database, clock: Clock, samples: Mapping[str, tuple[Meta, Event]], offices: Mapping[str, Office]
) -> Callable[..., Awaitable[bool]]:
    """`await apply(subject)`: the sample arrives. `await apply(subject, field=...)`: one like it, as a new event."""
    by_event: dict[type[Event], Consumer[Any]] = {c.event: c for c in consumers(offices, clock, Queued())}

    async def apply(subject: str, **changes: object) -> bool:
        meta, event = samples[subject]
        if changes:
            meta, event = meta.model_copy(update={"id": uuid4()}), event.model_copy(update=changes)
        return await process(database, f"notify-{subject}", by_event[type(event)], event, meta, clock=clock)

    return apply


@pytest.fixture
def settings(database_url: str, offices_dir: Path, keys: Any) -> Settings:
    return Settings(
        environment="development",
        database_url=database_url,
        nats_url="nats://unused",
        public_url="http://localhost:8080",
        offices_dir=offices_dir,
        clerk_public_key=keys.clerk.public,
        smtp_host="127.0.0.1",
        smtp_security="none",
    )


@pytest.fixture
async def client(settings: Settings, database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """The service's HTTP door, without its workers."""
    app = build(settings, clock=clock)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://notify/api/notify") as client:
        yield client
    await app.state.database.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[ssl.SSLContext]:
    """A mail server's, for "localhost"; whoever asks the system for certificates trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(pem))
        yield context
