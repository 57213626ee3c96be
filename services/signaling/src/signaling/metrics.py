"""What signaling tells Prometheus of calls: how soon they stand and over which path, how long they last, who waits."""

from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import at_zero
from contracts.base import Event
from contracts.signaling import CallEnded, CallStarted, CheckFinished
from signaling.protocol import Path, PathFound, Role, Transport

CALLS: Final = Counter(
    "schalter_signaling_calls_total", "Calls begun; one that breaks off and goes on is two.", ("office",)
)
CALL_SECONDS: Final = Histogram(
    "schalter_signaling_call_seconds",
    "How long both were in a call that has ended, in seconds.",
    ("office",),
    buckets=(10, 60, 180, 300, 600, 900, 1800, 3600),
)
CALLS_OPEN: Final = Gauge("schalter_signaling_calls_open", "Calls that run now. Max of processes.", ("office",))
WAITING: Final = Gauge(
    "schalter_signaling_waiting", "People in waiting rooms who have not been let in. Max of processes.", ("office",)
)
WAITING_OLDEST_SECONDS: Final = Gauge(
    "schalter_signaling_waiting_oldest_seconds",
    "How long that one of them has waited who came first, in seconds. Max of processes.",
    ("office",),
)
WAIT_SECONDS: Final = Histogram(
    "schalter_signaling_wait_seconds",
    "How long people waited in the waiting room until they were let in, in seconds.",
    ("office",),
    buckets=(10, 30, 60, 180, 300, 600, 900, 1800, 3600),
)
PATHS: Final = Counter(
    "schalter_signaling_paths_total",
    "Over which path browsers say that a call was connected at first: directly, through routers, over the relay; none: "
    "not at once. Both sides tell it, so it counts by role; once a day by appointment, whatever browsers say.",
    ("role", "path", "transport"),
)
JOIN_SECONDS: Final = Histogram(
    "schalter_signaling_join_seconds",
    "How long browsers say that it took from beginning to connect until the call stood, in seconds.",
    ("role",),
    buckets=(0.25, 0.5, 1, 2, 3, 5, 10, 20, 60),
)
RECONNECT_SECONDS: Final = Histogram(
    "schalter_signaling_reconnect_seconds",
    "How long browsers say that a call was interrupted that came back, in seconds; its count is how often.",
    ("role",),
    buckets=(1, 2, 5, 10, 20, 60, 300),
)
CHECKS_FINISHED: Final = Counter(
    "schalter_signaling_checks_finished_total", "Technical checks that citizens ran, by what they found.", ("outcome",)
)
#: Where there is no path there is no transport.
_NO_TRANSPORT: Final = "none"
_FOUND: Final = tuple(path for path in get_args(Path) if path != "none")
at_zero(PATHS, get_args(Role), _FOUND, get_args(Transport))
at_zero(PATHS, get_args(Role), ("none",), (_NO_TRANSPORT,))
at_zero(JOIN_SECONDS, get_args(Role))
at_zero(RECONNECT_SECONDS, get_args(Role))
at_zero(CHECKS_FINISHED, ("good", "limited", "failed"))


def begin_at_zero(offices: Iterable[str]) -> None:
    """All series of these offices are there before anything happens."""
    offices = list(offices)
    for metric in (CALLS, CALL_SECONDS, CALLS_OPEN, WAITING, WAITING_OLDEST_SECONDS, WAIT_SECONDS):
        at_zero(metric, offices)


def count(event: Event) -> None:
    """Count what `event`, which was committed, says."""
    match event:
        case CallStarted():
            CALLS.labels(event.office).inc()
        case CallEnded():
            CALL_SECONDS.labels(event.office).observe(event.seconds)
        case CheckFinished():
            CHECKS_FINISHED.labels(event.outcome).inc()


def path_found(role: Role, told: PathFound) -> None:
    """Count what a browser tells of its connection."""
    seconds = told.milliseconds / 1000
    if told.again:
        RECONNECT_SECONDS.labels(role).observe(seconds)
        return
    found = told.path != "none" and told.transport is not None
    PATHS.labels(role, *((told.path, told.transport) if found else ("none", _NO_TRANSPORT))).inc()
    if found:
        JOIN_SECONDS.labels(role).observe(seconds)
