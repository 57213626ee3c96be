"""The series that the exporter tells, in a registry of their own: the process has no bus and no outbox to tell of.

Those of a part are in it while the part is seen: what is old, or was never looked at, would be a lie.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY: Final = CollectorRegistry()


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, registry=None)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, registry=None)


UP: Final = Gauge(
    "schalter_exporter_up",
    "1 while the exporter reaches this part; else it tells nothing of it.",
    ("part",),
    registry=REGISTRY,
)

POSTGRES_CONNECTIONS: Final = _gauge("schalter_postgres_connections", "Connections to PostgreSQL.", "database")
POSTGRES_USED: Final = _gauge(
    "schalter_postgres_connections_used", "Connections of all users, those of the databases above included."
)
POSTGRES_LIMIT: Final = _gauge("schalter_postgres_connections_limit", "How many connections PostgreSQL takes.")
POSTGRES_SIZE: Final = _gauge("schalter_postgres_size_bytes", "How much of the disk a database takes.", "database")
POSTGRES_TRANSACTIONS: Final = _counter(
    "schalter_postgres_transactions_total", "Transactions: committed, rolled_back.", "database", "outcome"
)
POSTGRES_DEADLOCKS: Final = _counter("schalter_postgres_deadlocks_total", "Deadlocks found.", "database")
POSTGRES_WAITING: Final = _gauge("schalter_postgres_waiting", "Connections that wait for a lock now.")
POSTGRES_OLDEST_SECONDS: Final = _gauge(
    "schalter_postgres_oldest_transaction_seconds", "How long the oldest open transaction has lasted, in seconds."
)

REDIS_MEMORY: Final = _gauge("schalter_redis_memory_bytes", "Memory that Redis uses for data.")
REDIS_MEMORY_LIMIT: Final = _gauge("schalter_redis_memory_limit_bytes", "How much memory data may take; 0: no limit.")
REDIS_CLIENTS: Final = _gauge("schalter_redis_clients", "Connections to Redis.")
REDIS_REFUSED: Final = _counter("schalter_redis_connections_refused_total", "Connections refused at Redis' limit.")
REDIS_SAVED: Final = _gauge("schalter_redis_append_ok", "1 unless Redis could not write its append-only file.")

NATS_CONNECTIONS: Final = _gauge("schalter_nats_connections", "Connections to NATS.")
NATS_SLOW: Final = _counter(
    "schalter_nats_slow_consumers_total", "Connections that NATS has cut because they took their messages too slowly."
)
NATS_MEMORY: Final = _gauge("schalter_nats_memory_bytes", "Memory that the NATS server takes.")
NATS_STORAGE: Final = _gauge("schalter_nats_storage_bytes", "What all streams take of the disk.")
NATS_STORAGE_LIMIT: Final = _gauge("schalter_nats_storage_limit_bytes", "What all streams may take of the disk.")
NATS_STREAM_MESSAGES: Final = _gauge(
    "schalter_nats_stream_messages",
    "Messages in a stream; in DEAD_LETTERS_* those that a service could not process.",
    "stream",
)
NATS_STREAM_BYTES: Final = _gauge("schalter_nats_stream_bytes", "What a stream takes of the disk.", "stream")
NATS_STREAM_LIMIT: Final = _gauge(
    "schalter_nats_stream_limit_bytes", "What a stream may take of the disk; at it the oldest messages go.", "stream"
)
NATS_WAITING: Final = _gauge(
    "schalter_nats_consumer_waiting", "Messages not handed out yet, also while their service is away.", "consumer"
)
NATS_UNACKNOWLEDGED: Final = _gauge(
    "schalter_nats_consumer_unacknowledged", "Messages handed out and not acknowledged yet.", "consumer"
)

#: There also while it is 0, from the start: that is what somebody is woken by.
GATEWAY_ANSWERS: Final = Gauge(
    "schalter_gateway_answers",
    "1 while the gateway answers who asks for the citizens' page with it; 0 also for an error.",
    ("part",),
    registry=REGISTRY,
)
CERTIFICATE_SECONDS: Final = _gauge(
    "schalter_gateway_certificate_seconds",
    "Time until the certificate that the gateway shows expires, in seconds; negative once it has.",
    "part",
)
DISK_FREE: Final = _gauge("schalter_disk_free_bytes", "Free space where this volume lies.", "volume")
DISK_SIZE: Final = _gauge("schalter_disk_size_bytes", "All space where this volume lies.", "volume")


_SHOWN: Final[set[str]] = set()


def show(part: str) -> None:
    """From now on what was seen of `part` is told."""
    UP.labels(part).set(1)
    if part not in _SHOWN:
        _SHOWN.add(part)
        for figure in _of(part):
            REGISTRY.register(figure)


def hide(part: str) -> None:
    """`part` cannot be seen: nothing is told of it but that."""
    UP.labels(part).set(0)
    if part in _SHOWN:
        _SHOWN.remove(part)
        for figure in _of(part):
            REGISTRY.unregister(figure)


def _of(part: str) -> Iterator[Gauge | Counter]:
    prefix = {"disks": "schalter_disk_"}.get(part, f"schalter_{part}_")
    for value in list(globals().values()):
        if isinstance(value, Gauge | Counter) and value is not GATEWAY_ANSWERS:
            (told,) = value.describe()
            if told.name.startswith(prefix):
                yield value


def only(gauge: Gauge, values: Mapping[str, float]) -> None:
    """`gauge` tells these values by its one label, and no longer what is gone from them."""
    for (label,) in [labels for labels in list(gauge._metrics) if labels[0] not in values]:
        gauge.remove(label)
    for label, value in values.items():
        gauge.labels(label).set(value)


class Followed:
    """Counters of another server that count on here: one that begins anew there does not fall here."""

    def __init__(self) -> None:
        self._last: dict[Counter, float] = {}

    def rise(self, counter: Counter, value: float) -> None:
        """`counter` stands at `value` there. The first value that is seen is where counting begins."""
        last = self._last.get(counter, value)
        self._last[counter] = value
        counter.inc(value - last if value >= last else value)
