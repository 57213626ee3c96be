"""*The call*: who waits, who talks, and how well it comes about."""

from typing import Final

from tools.observability.board import Board, Row, Unit, bars, lines, number
from tools.observability.promql import or_none, quantile, rate, rise, total

_SOCKETS: Final = "schalter_signaling_connections"
_TICKETS: Final = 'service="signaling", route=~".*/tickets"'
_WITHOUT_REDIS: Final = 'count(schalter_service_ready{service="signaling", part="redis"} == 0) or vector(0)'

BOARD: Final = Board(
    "schalter-call",
    "The call",
    (
        Row(
            "Now",
            (
                number("Citizens connected", total(_SOCKETS, labels='role="citizen"') + " or vector(0)", width=6),
                number("Clerks connected", total(_SOCKETS, labels='role="clerk"') + " or vector(0)", width=6),
                number("Equipment tests that run", total("schalter_signaling_checks"), width=6),
                number("Signaling without Redis", _WITHOUT_REDIS, 1, 1, width=6),
            ),
        ),
        Row(
            "Connections",
            (
                lines("Open sockets", ("{{role}}", or_none(total(_SOCKETS, "role"), "role"))),
                lines(
                    "Passed on between both sides",
                    ("{{way}}", or_none(rate("schalter_signaling_relayed_total", "way"), "way")),
                    unit=Unit.PER_SECOND,
                ),
                lines(
                    "Closed by the server",
                    ("{{reason}}", or_none(rate("schalter_signaling_connections_ended_total", "reason"), "reason")),
                    unit=Unit.PER_SECOND,
                ),
            ),
        ),
        Row(
            "Before the call",
            (
                bars(
                    "Equipment tests, 24 hours",
                    ("{{outcome}}", or_none(rise("schalter_signaling_checks_started_total", "outcome"), "outcome")),
                    width=12,
                ),
                lines(
                    "How long tickets to enter take",
                    ("half", quantile(0.5, "schalter_http_request_seconds", labels=_TICKETS)),
                    ("99 of 100", quantile(0.99, "schalter_http_request_seconds", labels=_TICKETS)),
                    unit=Unit.SECONDS,
                    width=12,
                ),
            ),
        ),
    ),
)
