"""One look at each part, with the least right that shows it: `pg_monitor`, Redis' INFO, NATS' monitoring port."""

import asyncio
import json
import re
import shutil
import ssl
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
from cryptography import x509
from redis.asyncio import Redis

from chassis.clock import Clock
from contracts.topology import ALL_STREAMS, CONSUMES, FORMER_DEAD_LETTERS, SERVICES, durable
from schalter.exporter import figures
from schalter.exporter.figures import Followed

_SECONDS: Final = 4.0
#: A status line that comes with a page, or leads to one.
_ANSWER: Final = re.compile(rb"HTTP/1\.[01] [23]\d\d\b")
#: What the topology has; whatever else lies there makes no series.
_STREAMS: Final = frozenset(stream.name for stream in (*ALL_STREAMS, FORMER_DEAD_LETTERS))
_CONSUMERS: Final = frozenset(durable(service, event) for service, events in CONSUMES.items() for event in events)

_DATABASES: Final = """
    SELECT datname AS database, numbackends AS connections, xact_commit, xact_rollback, deadlocks,
           pg_database_size(datname) AS size
      FROM pg_stat_database WHERE datname = ANY($1)
"""
_ACTIVITY: Final = """
    SELECT current_setting('max_connections')::int AS connections_limit, count(*) AS used,
           count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
           coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float AS oldest
      FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


async def at_postgres(url: str, followed: Followed) -> None:
    """Connections, sizes, transactions and locks. Raises OSError or asyncpg's errors when it cannot look."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        url, timeout=_SECONDS, command_timeout=_SECONDS
    )
    try:
        databases = await connection.fetch(_DATABASES, list(SERVICES))
        activity = await connection.fetchrow(_ACTIVITY)
    finally:
        connection.terminate()
    for row in databases:
        database = row["database"]
        figures.POSTGRES_CONNECTIONS.labels(database).set(row["connections"])
        figures.POSTGRES_SIZE.labels(database).set(row["size"])
        followed.rise(figures.POSTGRES_TRANSACTIONS.labels(database, "committed"), row["xact_commit"])
        followed.rise(figures.POSTGRES_TRANSACTIONS.labels(database, "rolled_back"), row["xact_rollback"])
        followed.rise(figures.POSTGRES_DEADLOCKS.labels(database), row["deadlocks"])
    assert activity is not None, "an aggregate has one row"
    figures.POSTGRES_USED.set(activity["used"])
    figures.POSTGRES_LIMIT.set(activity["connections_limit"])
    figures.POSTGRES_WAITING.set(activity["waiting"])
    figures.POSTGRES_OLDEST_SECONDS.set(activity["oldest"])


async def at_redis(url: str, followed: Followed) -> None:
    """Memory, connections, and whether it can save. Raises OSError or RedisError when it cannot look."""
    async with Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS) as client:
        told: Mapping[str, Any] = await client.info("everything")
    figures.REDIS_MEMORY.set(told["used_memory"])
    figures.REDIS_MEMORY_LIMIT.set(told["maxmemory"])
    figures.REDIS_CLIENTS.set(told["connected_clients"])
    figures.REDIS_SAVED.set(told["aof_last_write_status"] == "ok")
    followed.rise(figures.REDIS_REFUSED, told["rejected_connections"])


async def at_nats(url: str, followed: Followed) -> None:
    """Connections, storage, streams and consumers of the topology.

    Raises OSError when it cannot look, HTTPException when the answer breaks off or is none.
    """
    server, streams = await asyncio.gather(
        asyncio.to_thread(_json, f"{url}/varz"),
        asyncio.to_thread(_json, f"{url}/jsz?streams=true&consumers=true&config=true"),
    )
    figures.NATS_CONNECTIONS.set(server["connections"])
    figures.NATS_MEMORY.set(server["mem"])
    followed.rise(figures.NATS_SLOW, server["slow_consumers"])
    figures.NATS_STORAGE.set(streams["storage"])
    figures.NATS_STORAGE_LIMIT.set(streams["config"]["max_storage"])
    found = [stream for account in streams.get("account_details", ()) for stream in account.get("stream_detail", ())]
    ours = {stream["name"]: stream for stream in found if stream["name"] in _STREAMS}
    figures.only(figures.NATS_STREAM_MESSAGES, {name: stream["state"]["messages"] for name, stream in ours.items()})
    figures.only(figures.NATS_STREAM_BYTES, {name: stream["state"]["bytes"] for name, stream in ours.items()})
    # A stream without a limit is told as -1.
    limits = {name: stream["config"]["max_bytes"] for name, stream in ours.items()}
    figures.only(figures.NATS_STREAM_LIMIT, {name: limit for name, limit in limits.items() if limit > 0})
    consumers = [consumer for stream in found for consumer in stream.get("consumer_detail") or ()]
    known = {consumer["name"]: consumer for consumer in consumers if consumer["name"] in _CONSUMERS}
    figures.only(figures.NATS_WAITING, {name: consumer["num_pending"] for name, consumer in known.items()})
    figures.only(figures.NATS_UNACKNOWLEDGED, {name: consumer["num_ack_pending"] for name, consumer in known.items()})


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - an address of ours
        return json.load(answer)


@dataclass(frozen=True)
class Gateway:
    """Where the gateway is, and which name is asked for there, by TLS or in the clear."""

    host: str
    port: int
    name: str
    tls: bool


async def at_gateway(gateway: Gateway, clock: Clock) -> None:
    """Whether it answers a citizen, and when its certificate ends. Raises OSError when there is nobody.

    The certificate is looked at, not trusted: also one that has expired, or that is nobody's, has an end.
    """
    answers = False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        reader, writer = await asyncio.open_connection(
            gateway.host,
            gateway.port,
            ssl=context if gateway.tls else None,
            server_hostname=gateway.name if gateway.tls else None,
        )
        try:
            if gateway.tls:
                shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
                left = x509.load_der_x509_certificate(shown).not_valid_after_utc - clock()
                figures.CERTIFICATE_SECONDS.labels("gateway").set(left.total_seconds())
            writer.write(f"GET / HTTP/1.1\r\nHost: {gateway.name}\r\nConnection: close\r\n\r\n".encode())
            with suppress(OSError, ValueError):
                async with asyncio.timeout(_SECONDS):
                    answers = bool(_ANSWER.match(await reader.readline()))
        finally:
            writer.transport.abort()
    finally:
        figures.GATEWAY_ANSWERS.labels("gateway").set(answers)


async def at_disks(volumes: Mapping[str, Path]) -> None:
    """Free space and size of the disks under `volumes`. Raises OSError for one that is not there."""
    for volume, path in volumes.items():
        usage = shutil.disk_usage(path)
        figures.DISK_FREE.labels(volume).set(usage.free)
        figures.DISK_SIZE.labels(volume).set(usage.total)
