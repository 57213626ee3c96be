"""What payment tells Prometheus: what became of payments, which sums are open, and how the provider answers."""

from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import at_zero
from contracts.base import Event
from contracts.payment import PaymentAuthorised, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided
from payment.model import LIVE, Act, Reason

#: Whoever may be a payment's provider; an adapter more is a name more.
PROVIDERS: Final = ("paypal",)
PAYMENTS: Final = Counter(
    "schalter_payment_payments_total",
    "What became of payments: authorised (reserved), captured (taken), refunded, voided (given back), or the failure.",
    ("office", "provider", "outcome"),
)
CAPTURED_CENTS: Final = Counter("schalter_payment_captured_cents_total", "Money taken, in cents.", ("office",))
OPEN_CENTS: Final = Gauge(
    "schalter_payment_open_cents",
    "Money asked for and not taken yet, in cents, by how far it has come. Max of processes.",
    ("office", "state"),
)
SETTLEMENTS_WAITING: Final = Gauge(
    "schalter_payment_settlements_waiting",
    "Orders whose state is to be compared with the provider's books. Max of processes.",
)
SETTLEMENTS_OLDEST_SECONDS: Final = Gauge(
    "schalter_payment_settlements_oldest_seconds",
    "How long the one of them has been due that was due first, in seconds. Max of processes.",
)
PROVIDER_SECONDS: Final = Histogram(
    "schalter_payment_provider_seconds",
    "How long the provider took for a call with its repetitions, in seconds: done, refused, or unavailable.",
    ("provider", "act", "outcome"),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
at_zero(PROVIDER_SECONDS, PROVIDERS, ("create", "read", *get_args(Act)), ("done", "refused", "unavailable"))


def begin_at_zero(offices: Iterable[str]) -> None:
    """All series of these offices are there before anything happens."""
    offices = list(offices)
    at_zero(PAYMENTS, offices, PROVIDERS, ("authorised", "captured", "refunded", "voided", *get_args(Reason)))
    at_zero(CAPTURED_CENTS, offices)
    at_zero(OPEN_CENTS, offices, sorted(LIVE))


def count(event: Event) -> None:
    """Count what `event`, which was committed, says."""
    match event:
        case PaymentAuthorised():
            PAYMENTS.labels(event.office, event.provider, "authorised").inc()
        case PaymentCaptured():
            PAYMENTS.labels(event.office, event.provider, "captured").inc()
            CAPTURED_CENTS.labels(event.office).inc(event.amount_cents)
        case PaymentRefunded():
            PAYMENTS.labels(event.office, event.provider, "refunded").inc()
        case PaymentFailed():
            PAYMENTS.labels(event.office, event.provider, event.reason).inc()
        case PaymentVoided():
            PAYMENTS.labels(event.office, event.provider, "voided").inc()
