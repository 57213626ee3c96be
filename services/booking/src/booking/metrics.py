"""What booking tells Prometheus of the offices' work: what happened, counted as it is published, and what waits."""

from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import at_zero
from contracts.base import Event
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
    Channel,
)

BOOKINGS: Final = Counter(
    "schalter_booking_bookings_total",
    "Appointments that stand; where addresses are confirmed, from the confirmation on.",
    ("office", "channel"),
)
CANCELLATIONS: Final = Counter(
    "schalter_booking_cancellations_total", "Appointments cancelled, by whom.", ("office", "channel")
)
MOVES: Final = Counter(
    "schalter_booking_moves_total", "Appointments moved to another time, by whom.", ("office", "channel")
)
NO_SHOWS: Final = Counter("schalter_booking_no_shows_total", "Appointments to which nobody came.", ("office",))
RESUMED: Final = Counter(
    "schalter_booking_no_shows_resumed_total", "No-shows taken back because somebody came after all.", ("office",)
)
FREE_SLOTS: Final = Gauge(
    "schalter_booking_free_slots",
    "Times that citizens can choose for the office's shortest service within so many days; counted once a minute. "
    "Max of processes.",
    ("office", "days"),
)
FREE_DAYS: Final = (7, 28)
WAITING_LIST: Final = Gauge(
    "schalter_booking_waiting_list",
    "People on the waiting list, offered something or not. Max of processes.",
    ("office",),
)
WALK_INS_WAITING: Final = Gauge(
    "schalter_booking_walk_ins_waiting",
    "People without an appointment who wait to be called. Max of processes.",
    ("office",),
)
WALK_INS_OLDEST_SECONDS: Final = Gauge(
    "schalter_booking_walk_ins_oldest_seconds",
    "How long that one of them has waited who came first, in seconds. Max of processes.",
    ("office",),
)
WALK_IN_WAIT_SECONDS: Final = Histogram(
    "schalter_booking_walk_in_wait_seconds",
    "How long people without an appointment waited who were called, in seconds.",
    ("office",),
    buckets=(10, 60, 180, 300, 600, 900, 1800, 3600, 7200),
)
FIGURES_SECONDS: Final = Histogram(
    "schalter_booking_figures_seconds",
    "How long counting what waits and what is free took for one office, in seconds.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


def begin_at_zero(offices: Iterable[str]) -> None:
    """All series of these offices are there before anything happens."""
    offices = list(offices)
    at_zero(BOOKINGS, offices, get_args(Channel))
    at_zero(CANCELLATIONS, offices, ("citizen", "office"))
    at_zero(MOVES, offices, get_args(Channel))
    at_zero(FREE_SLOTS, offices, map(str, FREE_DAYS))
    for metric in (NO_SHOWS, RESUMED, WAITING_LIST, WALK_INS_WAITING, WALK_INS_OLDEST_SECONDS, WALK_IN_WAIT_SECONDS):
        at_zero(metric, offices)


def count(event: Event) -> None:
    """Count what `event`, which was committed, says."""
    match event:
        case BookingCompleted():
            BOOKINGS.labels(event.office, event.channel).inc()
        case BookingCancelled():
            CANCELLATIONS.labels(event.office, event.cancelled_by).inc()
        case BookingRescheduled():
            MOVES.labels(event.office, event.rescheduled_by).inc()
        case BookingNoShow():
            NO_SHOWS.labels(event.office).inc()
        case BookingResumed():
            RESUMED.labels(event.office).inc()
