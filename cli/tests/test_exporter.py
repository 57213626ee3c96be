"""The exporter tells what real servers say, with the right to look alone; and nothing of one that is away."""

import asyncio
import secrets
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import asyncpg
import nats
import pytest
import redis as redis_client
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nats.js.api import AckPolicy, ConsumerConfig

from contracts.topology import DEAD_LETTERS, STREAMS
from schalter.embedded import Nats, Postgres, Redis, free_ports
from schalter.exporter import figures
from schalter.exporter.run import Settings, look, parts

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Servers(NamedTuple):
    nats: Nats
    nats_monitor: str
    redis: Redis
    postgres: str


@pytest.fixture(scope="module")
def servers(servers_dir: Path, postgres: Postgres) -> Iterator[Servers]:
    name = secrets.token_hex(4)
    port, monitor, redis_port = free_ports(3)
    postgres.create_database("booking", "b")
    url = postgres.create_monitor("m")
    bus = Nats(servers_dir / f"nats-{name}", port, log=servers_dir / f"nats-{name}.log", durable=False, monitor=monitor)
    store = Redis(
        servers_dir / f"redis-{name}",
        redis_port,
        password="p",
        log=servers_dir / f"redis-{name}.log",
        durable=False,
        monitor_password="m",
    )
    with bus, store:
        yield Servers(bus, f"http://127.0.0.1:{monitor}", store, url)
    postgres.drop_database("booking")
    shutil.rmtree(servers_dir / f"nats-{name}", ignore_errors=True)


def told(name: str, **labels: str) -> float | None:
    return figures.REGISTRY.get_sample_value(f"schalter_{name}", labels)


async def seen(**where: object) -> None:
    await look(parts(Settings.model_validate(where), clock=lambda: NOW))


async def test_streams_and_consumers_are_told_with_what_waits_in_them(servers: Servers) -> None:
    client = await nats.connect(servers.nats.url)
    stream = client.jetstream()
    for each in (STREAMS["casework"], DEAD_LETTERS["notify"]):
        await stream.add_stream(name=each.name, subjects=list(each.subjects), max_bytes=each.max_bytes)
    name = "notify-casework-case_completed-v1"
    await stream.add_consumer("CASEWORK", ConsumerConfig(durable_name=name, ack_policy=AckPolicy.EXPLICIT))
    await stream.add_consumer("CASEWORK", ConsumerConfig(durable_name="somebodys", ack_policy=AckPolicy.EXPLICIT))
    for subject in ("casework.case_completed.v1", "casework.case_completed.v1", "dead.notify.booking.completed.v1"):
        await stream.publish(subject, b"{}")
    await seen(monitor_nats_url=servers.nats_monitor)
    assert told("exporter_up", part="nats") == 1
    assert (
        told("nats_stream_messages", stream="CASEWORK"),
        told("nats_stream_messages", stream="DEAD_LETTERS_NOTIFY"),
    ) == (
        2,
        1,
    )
    assert told("nats_consumer_waiting", consumer=name) == 2
    assert told("nats_consumer_waiting", consumer="somebodys") is None, "not of the topology"
    assert (told("nats_connections") or 0) >= 1
    assert 0 < (told("nats_storage_bytes") or 0) < (told("nats_storage_limit_bytes") or 0) == 4 * 1024**3
    assert told("nats_stream_limit_bytes", stream="CASEWORK") == STREAMS["casework"].max_bytes
    assert 0 < (told("nats_stream_bytes", stream="CASEWORK") or 0) < STREAMS["casework"].max_bytes
    await stream.delete_stream("CASEWORK")
    await seen(monitor_nats_url=servers.nats_monitor)
    gone = [told(f"nats_stream_{what}", stream="CASEWORK") for what in ("messages", "bytes", "limit_bytes")]
    assert [*gone, told("nats_consumer_waiting", consumer=name)] == [None] * 4, "what is gone is not told"
    assert told("nats_stream_messages", stream="DEAD_LETTERS_NOTIFY") == 1
    await client.close()


@pytest.mark.parametrize(
    "answer",
    [b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"a": 1}', b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n[1]"],
    ids=["cut short", "no HTTP", "not what was asked for"],
)
async def test_a_nats_that_dies_while_it_answers_is_a_part_that_is_away(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        await seen(monitor_nats_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert told("exporter_up", part="nats") == 0


async def test_postgres_tells_connections_sizes_locks_and_transactions(servers: Servers, postgres: Postgres) -> None:
    where = {"monitor_postgres_url": servers.postgres}
    await seen(**where)
    connection = await asyncpg.connect(postgres.url("booking", "booking", "b"))
    other = await asyncpg.connect(postgres.url("booking", "booking", "b"))
    await connection.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
    waiting = asyncio.create_task(other.execute("SELECT pg_advisory_xact_lock(1)"))
    async with asyncio.timeout(10):
        while told("postgres_waiting") != 1:
            await seen(**where)
    assert (told("postgres_connections", database="booking") or 0) >= 2
    assert (told("postgres_size_bytes", database="booking") or 0) > 1_000_000
    assert (told("postgres_oldest_transaction_seconds") or 0) > 0
    assert told("postgres_connections_limit") == 200
    await connection.execute("COMMIT")
    await waiting
    await asyncio.gather(connection.close(), other.close())


async def test_who_monitors_postgres_reads_nothing_of_a_service(servers: Servers) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(servers.postgres.replace("/postgres", "/booking"))


async def test_redis_tells_its_memory_and_who_monitors_it_reads_no_key(servers: Servers) -> None:
    await seen(monitor_redis_url=servers.redis.monitor_url)
    assert told("redis_memory_limit_bytes") == 256 * 1024**2
    assert 0 < (told("redis_memory_bytes") or 0) < 256 * 1024**2
    assert told("redis_append_ok") == 1
    with redis_client.Redis.from_url(servers.redis.monitor_url) as client:
        for act in (partial(client.get, "booking:a"), partial(client.keys, "*"), partial(client.set, "a", "b")):
            with pytest.raises(redis_client.ResponseError, match="no permissions"):
                act()


async def test_the_disk_of_a_volume_is_told(tmp_path: Path) -> None:
    await seen(monitor_disks=f"postgres={tmp_path}")
    usage = shutil.disk_usage(tmp_path)
    assert told("disk_size_bytes", volume="postgres") == usage.total
    assert abs((told("disk_free_bytes", volume="postgres") or 0) - usage.free) < 1024**3


async def test_of_a_part_that_is_away_nothing_is_told_but_that(tmp_path: Path, free_tcp_port: int) -> None:
    await seen(monitor_disks=f"nats={tmp_path}")
    assert told("disk_free_bytes", volume="nats")
    await seen(
        monitor_disks=f"nats={tmp_path / 'gone'}",
        monitor_nats_url=f"http://127.0.0.1:{free_tcp_port}",
        monitor_redis_url=f"redis://127.0.0.1:{free_tcp_port}",
        monitor_postgres_url=f"postgresql://a:b@127.0.0.1:{free_tcp_port}/c",
    )
    assert [told("exporter_up", part=part) for part in ("disks", "nats", "redis", "postgres")] == [0, 0, 0, 0]
    assert told("disk_free_bytes", volume="nats") is None
    assert told("redis_memory_bytes") is None


@pytest.fixture
def free_tcp_port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """Somebody who shows a certificate that ends in ten days, and that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "termin.town.example")])
    shown = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=80))
        .not_valid_after(NOW + timedelta(days=10))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = tmp_path / "both.pem"
    pem.write_bytes(private + shown.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@contextmanager
def answering(answer: bytes, certificate: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Somebody who answers one request so; yields their port and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            client.settimeout(5)
            with certificate.wrap_socket(client, server_side=True) if certificate else client as talking:
                asked.append(talking.recv(4096))
                talking.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], asked
        thread.join(5)


async def test_when_the_certificate_ends_is_told_whoever_signed_it(certificate: ssl.SSLContext) -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", certificate) as (port, asked):
        await seen(public_url="https://termin.town.example", gateway_address=f"127.0.0.1:{port}")
    assert told("gateway_certificate_seconds", part="gateway") == timedelta(days=10).total_seconds()
    assert told("gateway_answers", part="gateway") == 1
    assert asked[0].startswith(b"GET / HTTP/1.1\r\nHost: termin.town.example\r\n")


async def test_a_gateway_behind_a_proxy_is_asked_in_the_clear_and_shows_no_certificate() -> None:
    with answering(b"HTTP/1.1 308 Permanent Redirect\r\n\r\n") as (port, asked):
        where = {"public_url": "https://termin.town.example", "gateway_site": f"http://:{port}"}
        await seen(**where, gateway_address="127.0.0.1")
    assert told("gateway_answers", part="gateway") == told("exporter_up", part="gateway") == 1
    assert b"Host: termin.town.example\r\n" in asked[0]


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 20", b"", b"x" * 100_000],
)
async def test_a_gateway_that_answers_with_nothing_good_does_not_answer(answer: bytes) -> None:
    with answering(answer) as (port, _):
        await seen(public_url=f"http://127.0.0.1:{port}")
    assert told("gateway_answers", part="gateway") == 0


async def test_a_gateway_that_is_gone_is_told_so_from_the_start(free_tcp_port: int) -> None:
    figures.GATEWAY_ANSWERS.clear()
    found = parts(Settings.model_validate({"public_url": f"http://127.0.0.1:{free_tcp_port}"}))
    assert told("gateway_answers", part="gateway") == 0
    await look(found)
    assert told("gateway_answers", part="gateway") == 0


async def test_a_counter_that_begins_anew_there_does_not_fall_here() -> None:
    followed = figures.Followed()
    figures.show("nats")
    before = told("nats_slow_consumers_total") or 0
    for value in (100, 103, 2):
        followed.rise(figures.NATS_SLOW, value)
    assert told("nats_slow_consumers_total") == before + 3 + 2
