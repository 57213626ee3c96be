"""*The call*: who waits, how soon a call stands and over which path, and what interrupts it."""

from typing import Final

from tools.observability.board import Board, Panel, Row, Unit, area, bars, lines, number
from tools.observability.promql import highest, or_none, quantile, rate, rise, total

_SOCKETS: Final = "schalter_signaling_connections"
_JOIN: Final = "schalter_signaling_join_seconds"
_PATHS: Final = "schalter_signaling_paths_total"
_OFFICE: Final = 'office=~"$office"'
_WITHOUT_REDIS: Final = 'count(schalter_service_ready{service="signaling", part="redis"} == 0) or vector(0)'
#: Of nobody nothing goes over the relay.
_RELAYED: Final = (
    f'sum(increase({_PATHS}{{path="relay"}}[24h])) / clamp_min(sum(increase({_PATHS}[24h])), 1) or vector(0)'
)

_NOW: Final[tuple[Panel, ...]] = (
    number("Calls", f"sum({highest('schalter_signaling_calls_open', 'office', _OFFICE)})"),
    number("In waiting rooms", f"sum({highest('schalter_signaling_waiting', 'office', _OFFICE)})"),
    number(
        "The longest has waited",
        highest("schalter_signaling_waiting_oldest_seconds", labels=_OFFICE),
        *(600, 1200),
        unit=Unit.SECONDS,
    ),
    number("Over the relay, 24 hours", _RELAYED, 0.3, 0.6, unit=Unit.SHARE),
    number("Not at once, 24 hours", rise(_PATHS, labels='path="none"'), 5, 20),
    number("Signaling without Redis", _WITHOUT_REDIS, 1, 1),
)
_BEGIN: Final[tuple[Panel, ...]] = (
    lines(
        "From connecting to the call",
        ("half", or_none(quantile(0.5, _JOIN), "role")),
        ("99 of 100", or_none(quantile(0.99, _JOIN), "role")),
        unit=Unit.SECONDS,
        help="Promised: within five seconds, 99.5 of 100.",
    ),
    bars(
        "Paths, 24 hours",
        ("{{path}} {{transport}}", rise(_PATHS, "path, transport")),
        help="none: no connection at once. relay: over TURN.",
    ),
    bars("Equipment tests, 24 hours", ("{{outcome}}", rise("schalter_signaling_checks_finished_total", "outcome"))),
)
_COURSE: Final[tuple[Panel, ...]] = (
    area("Calls", ("{{office}}", highest("schalter_signaling_calls_open", "office", _OFFICE))),
    lines("In waiting rooms", ("{{office}}", highest("schalter_signaling_waiting", "office", _OFFICE))),
    lines(
        "Interruptions an hour",
        ("{{role}}", rise("schalter_signaling_reconnect_seconds_count", "role", over="1h")),
        help="Calls that broke off and came back.",
    ),
)
_SERVER: Final[tuple[Panel, ...]] = (
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
)

BOARD: Final = Board(
    "schalter-call",
    "The call",
    (
        Row("Now", _NOW),
        Row("How calls begin", _BEGIN),
        Row("In the course of time", _COURSE),
        Row("What the server does", _SERVER),
    ),
    offices=("schalter_signaling_calls_open", "Office"),
)
