"""*Money*: what is open, what was taken, what hangs, and how the provider answers."""

from collections.abc import Mapping
from typing import Final

from tools.observability.board import Board, Panel, Row, Unit, area, bars, lines, number
from tools.observability.promql import ASKED, highest, or_none, quantile, rate, rise, worded

_ITS: Final = 'service="payment"'
_HANGING: Final = highest("schalter_payment_paid_but_open", "kind")
_WEBHOOKS: Final = "schalter_payment_webhooks_total"
_PROVIDER: Final = "schalter_payment_provider_seconds"
_SAID: Final = rate("schalter_payment_provider_seconds_count", "outcome")
_OPEN: Final = highest("schalter_payment_open_cents", "office, state")
#: Series' values in words for people.
STATES: Final = {
    "requested": "not begun",
    "approval_pending": "waits for the citizen",
    "authorised": "reserved",
}
PAYMENTS: Final = {
    "authorised": "reserved",
    "captured": "taken",
    "refunded": "paid back",
    "voided": "reservation given back",
    "expired": "not paid in time",
    "amount_mismatch": "another amount than asked for",
    "provider_error": "failed at the provider",
}
#: As docs/runbooks/PaidButOpen.md has them.
KINDS: Final = {
    "capture_overdue": "reserved, to be taken",
    "release_overdue": "reserved, to be given back",
    "case_left_open": "reserved, case left open",
    "taken_for_nothing": "taken, to be paid back",
    "amount_mismatch": "another amount than asked for",
}
_ACTS: Final = {
    "create": "begin a payment",
    "read": "ask how it stands",
    "authorise": "reserve",
    "capture": "take",
    "void": "give back",
}
_ANSWERS: Final = {"unavailable": "no answer"}
_NOTICES: Final = {"accepted": "new", "repeated": "known already"}


def _euros(cents: str) -> str:
    return f"round(({cents}) / 100)"


def _by_outcome(expr: str, words: Mapping[str, str]) -> str:
    return or_none(worded(expr, "outcome", words), "outcome")


_NOW: Final[tuple[Panel, ...]] = (
    number("Taken, 24 hours", _euros(rise("schalter_payment_captured_cents_total")), unit=Unit.EUROS),
    number("Asked for, not taken yet", _euros(f"sum({_OPEN})"), unit=Unit.EUROS),
    number("Money and case disagree", f"sum({_HANGING})", 1, 1),
    number("Completed unpaid, 24 hours", rise("schalter_payment_completed_unpaid_total"), 1, 1),
    number("Due at the provider", highest("schalter_payment_settlements_waiting"), 20, 100),
    number(
        "The longest due",
        highest("schalter_payment_settlements_oldest_seconds"),
        *(120, 600),
        unit=Unit.SECONDS,
    ),
)
_COURSE: Final[tuple[Panel, ...]] = (
    area(
        "Open, by how far it has come",
        ("{{state}}", worded(f"sum by (state) ({_OPEN}) / 100", "state", STATES)),
        unit=Unit.EUROS,
    ),
    bars(
        "Payments, 24 hours",
        ("{{outcome}}", _by_outcome(rise("schalter_payment_payments_total", "outcome"), PAYMENTS)),
    ),
    lines(
        "Money and case disagree",
        ("{{kind}}", worded(_HANGING, "kind", KINDS)),
        help="docs/runbooks/PaidButOpen.md says for each kind who does what.",
    ),
)
_THE_PROVIDER: Final[tuple[Panel, ...]] = (
    lines(
        "How long it takes, 99 of 100",
        ("{{act}}", or_none(worded(quantile(0.99, _PROVIDER, "act"), "act", _ACTS), "act")),
        unit=Unit.SECONDS,
    ),
    area("What it says", ("{{outcome}}", _by_outcome(_SAID, _ANSWERS)), unit=Unit.PER_SECOND),
    bars("Its webhooks, 24 hours", ("{{outcome}}", _by_outcome(rise(_WEBHOOKS, "outcome"), _NOTICES))),
)
_TOLD: Final[tuple[Panel, ...]] = (
    area(
        "What payment tells the others",
        ("{{subject}}", or_none(rate("schalter_outbox_published_total", "subject", _ITS), "subject")),
        unit=Unit.PER_SECOND,
        width=12,
    ),
    lines(
        "How long answers take, 99 of 100",
        ("{{route}}", quantile(0.99, "schalter_http_request_seconds", "route", f"{_ITS}, {ASKED}")),
        unit=Unit.SECONDS,
        width=12,
    ),
)

BOARD: Final = Board(
    "schalter-money",
    "Money",
    (
        Row("Now", _NOW),
        Row("In the course of time", _COURSE),
        Row("The provider", _THE_PROVIDER),
        Row("Events and answers", _TOLD),
    ),
)
