"""Prometheus metrics that every service has. Labels are few and bounded: never an id, a person, or a path.

A gauge that every process of a service sets says in its help how to join them: what lies in the database is the same
for all (max), what a process holds itself adds up (sum).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from importlib.metadata import version
from itertools import product
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

# A fifth of all series would say when another began; rates know that by themselves.
disable_created_metrics()  # type: ignore[no-untyped-call] # as it is


def at_zero(metric: Counter | Gauge | Histogram, *values: Iterable[str]) -> None:
    """Make the series of `metric` for all combinations of its labels' `values`, in the labels' order.

    An alert on a rise does not see a series that begins at one, and a dashboard none that is not there.
    """
    for combination in product(*values):
        metric.labels(*combination)


BUILD: Final = Info("schalter_build", "Which version runs; always 1.")
BUILD.info({"version": version("schalter-chassis")})
SCHEMA_VERSION: Final = Gauge(
    "schalter_schema_version", "The number of the newest migration that the database has. Max of all processes."
)

HTTP_SECONDS = Histogram(
    "schalter_http_request_seconds",
    "Time from request to the end of the response, in seconds.",
    ("method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
HTTP_RESPONSES: Final = Counter(
    "schalter_http_responses_total",
    "Responses by status, of all routes together, express routes and what no route takes included.",
    ("status",),
)
at_zero(HTTP_RESPONSES, map(str, (200, 201, 204, 400, 401, 403, 404, 408, 409, 410, 413, 422, 429, 500, 503)))
HTTP_ACTIVE: Final = Gauge("schalter_http_requests_active", "Requests that are being answered now. Sum of processes.")

OUTBOX_PENDING = Gauge("schalter_outbox_pending", "Events committed and not yet on the bus. Max of all processes.")
OUTBOX_OLDEST_SECONDS = Gauge(
    "schalter_outbox_oldest_seconds",
    "How long the oldest event has waited that is not yet on the bus. Max of all processes.",
)
OUTBOX_PUBLISHED = Counter("schalter_outbox_published_total", "Events forwarded to the bus.", ("subject",))
OUTBOX_FAILURES: Final = Counter(
    "schalter_outbox_failures_total", "Tries to forward events that the bus did not acknowledge; they are tried again."
)
OUTBOX_LAG_SECONDS = Histogram(
    "schalter_outbox_lag_seconds",
    "Time from commit to the bus's acknowledgement, in seconds.",
    buckets=(0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120),
)
CONSUMED = Counter("schalter_consumed_total", "Messages taken from the bus.", ("consumer", "outcome"))
#: What becomes of a message.
CONSUMED_OUTCOMES: Final = ("done", "duplicate", "retried", "dead")
REDELIVERED: Final = Counter(
    "schalter_consumed_redelivered_total", "Messages that the bus handed out again, whatever for.", ("consumer",)
)
CONSUMER_WAITING: Final = Gauge(
    "schalter_consumer_waiting", "Messages that the bus has not handed out yet. Max of all processes.", ("consumer",)
)
CONSUMER_UNACKNOWLEDGED: Final = Gauge(
    "schalter_consumer_unacknowledged",
    "Messages handed out and not acknowledged yet. Max of all processes.",
    ("consumer",),
)
BUS_CONNECTED = Gauge("schalter_bus_connected", "1 while connected to NATS. Min of all processes.")
READY: Final = Gauge(
    "schalter_service_ready", "1 while the service reaches this part that it needs. Min of all processes.", ("part",)
)
WORKER_RESTARTS = Counter("schalter_worker_restarts_total", "Background workers restarted after an error.", ("worker",))

DATABASE_CONNECTIONS: Final = Gauge(
    "schalter_database_connections", "Connections to PostgreSQL in the pool. Sum of processes.", ("state",)
)
DATABASE_CONNECTIONS_LIMIT: Final = Gauge(
    "schalter_database_connections_limit", "How many connections the pool may have. Sum of processes."
)
DATABASE_WAITING: Final = Gauge(
    "schalter_database_waiting", "Transactions that wait for a connection now. Sum of processes."
)
DATABASE_WAIT_SECONDS: Final = Histogram(
    "schalter_database_wait_seconds",
    "How long those waited for a connection for whom none was free at once, in seconds.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2),
)
DATABASE_ERRORS: Final = Counter(
    "schalter_database_errors_total",
    "Transactions that failed through no fault of theirs: busy (no connection within two seconds, or PostgreSQL has no"
    " more), timeout (no answer in time), away (not reached, or gone meanwhile), conflict (deadlock, serialisation).",
    ("kind",),
)
DATABASE_ERROR_KINDS: Final = ("busy", "timeout", "away", "conflict")
at_zero(DATABASE_ERRORS, DATABASE_ERROR_KINDS)

LOOP_LAG_SECONDS: Final = Histogram(
    "schalter_loop_lag_seconds",
    "How much later than asked for the event loop went on, four times a second, in seconds.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


class _Without(Collector):
    """All metrics but those whose names begin with one of `parts`."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        return (metric for metric in REGISTRY.collect() if not metric.name.startswith(self._parts))


#: What a process without bus and database does not have: a 0 of it would be a lie.
OF_BUS_AND_DATABASE: Final = tuple(f"schalter_{part}" for part in ("bus", "consume", "database", "outbox", "schema"))


def endpoint(*, lacks: tuple[str, ...] = ()) -> Callable[[Request], Awaitable[Response]]:
    """A route that tells all metrics of this process in Prometheus' text format, but those that begin with `lacks`."""
    told = _Without(lacks) if lacks else REGISTRY

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(told), media_type=CONTENT_TYPE_LATEST)

    return metrics
