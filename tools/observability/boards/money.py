"""*Money*: what is open, what went wrong, and how the provider answers."""

from typing import Final

from tools.observability.board import Board, Row, Unit, area, bars, lines, number
from tools.observability.promql import ASKED, highest, or_none, quantile, rate, rise

_ITS: Final = 'service="payment"'
_OPEN: Final = highest("schalter_payment_paid_but_open", "kind")
_WEBHOOKS: Final = "schalter_payment_webhooks_total"

BOARD: Final = Board(
    "schalter-money",
    "Money",
    (
        Row(
            "Now",
            (
                number("Money and case disagree", f"sum({_OPEN})", 1, 1, width=8),
                number("Completed unpaid, 24 hours", rise("schalter_payment_completed_unpaid_total"), 1, 1, width=8),
                number("Webhooks, 24 hours", rise(_WEBHOOKS), width=8),
            ),
        ),
        Row(
            "What hangs",
            (
                lines(
                    "Money and case disagree",
                    ("{{kind}}", _OPEN),
                    width=12,
                    help="docs/runbooks/PaidButOpen.md says for each kind who does what.",
                ),
                bars("Webhooks, 24 hours", ("{{outcome}}", or_none(rise(_WEBHOOKS, "outcome"), "outcome")), width=12),
            ),
        ),
        Row(
            "Events and answers",
            (
                area(
                    "What payment tells",
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
            ),
        ),
    ),
)
