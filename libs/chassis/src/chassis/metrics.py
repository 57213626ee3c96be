"""Prometheus metrics that every service has. Labels are few and bounded: never an id, a person, or a path."""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

HTTP_SECONDS = Histogram(
    "schalter_http_request_seconds",
    "Time from request to the end of the response, in seconds.",
    ("method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
OUTBOX_PENDING = Gauge("schalter_outbox_pending", "Events committed and not yet on the bus.")
OUTBOX_OLDEST_SECONDS = Gauge(
    "schalter_outbox_oldest_seconds", "How long the oldest event has waited that is not yet on the bus."
)
OUTBOX_PUBLISHED = Counter("schalter_outbox_published_total", "Events forwarded to the bus.", ("subject",))
OUTBOX_LAG_SECONDS = Histogram(
    "schalter_outbox_lag_seconds",
    "Time from commit to the bus's acknowledgement, in seconds.",
    buckets=(0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120),
)
CONSUMED = Counter("schalter_consumed_total", "Messages taken from the bus.", ("consumer", "outcome"))
#: What becomes of a message. All are there from the start: an alert on a rise does not see a series that begins at one.
CONSUMED_OUTCOMES: Final = ("done", "duplicate", "retried", "dead")
BUS_CONNECTED = Gauge("schalter_bus_connected", "1 while connected to NATS.")
READY = Gauge("schalter_service_ready", "1 while the service reaches this part that it needs.", ("part",))
WORKER_RESTARTS = Counter("schalter_worker_restarts_total", "Background workers restarted after an error.", ("worker",))


async def endpoint(_: Request) -> Response:
    """All metrics of this process in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
