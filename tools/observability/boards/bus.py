"""*The bus*: from the commit of a change to its last effect elsewhere."""

from typing import Final

from tools.observability.board import Board, Row, Unit, area, bars, lines, number
from tools.observability.promql import highest, or_none, quantile, rate, rise

_CONSUMED: Final = "schalter_consumed_total"
_DEAD: Final = 'outcome="dead"'
_AWAY: Final = 'count(schalter_service_ready{part="bus"} == 0) or vector(0)'
_BEFORE: Final = "max by (consumer) (schalter_nats_consumer_waiting + schalter_nats_consumer_unacknowledged)"
_PENDING: Final = highest("schalter_outbox_pending", "service")

BOARD: Final = Board(
    "schalter-bus",
    "The bus",
    (
        Row(
            "Now",
            (
                number("Processes without it", _AWAY, 1, 1, width=6),
                number("Events not on the bus", f"sum({_PENDING})", 100, 1000, width=6),
                number(
                    "The oldest has waited",
                    highest("schalter_outbox_oldest_seconds"),
                    *(10, 60),
                    unit=Unit.SECONDS,
                    width=6,
                ),
                number("Dead letters, 24 hours", rise(_CONSUMED, labels=_DEAD), 1, 1, width=6),
            ),
        ),
        Row(
            "On their way out",
            (
                lines("Waiting in the outboxes", ("{{service}}", _PENDING)),
                area(
                    "Published",
                    ("{{subject}}", rate("schalter_outbox_published_total", "subject")),
                    unit=Unit.PER_SECOND,
                ),
                lines(
                    "From commit to the bus, 99 of 100",
                    ("{{service}}", quantile(0.99, "schalter_outbox_lag_seconds", "service")),
                    unit=Unit.SECONDS,
                ),
            ),
        ),
        Row(
            "Where they arrive",
            (
                area("Processed", ("{{service}}", rate(_CONSUMED, "service", 'outcome="done"')), unit=Unit.PER_SECOND),
                lines(
                    "Handed out again",
                    ("{{service}}", rate("schalter_consumed_redelivered_total", "service")),
                    unit=Unit.PER_SECOND,
                ),
                lines(
                    "Had before, tried again, set aside",
                    ("{{outcome}}", rate(_CONSUMED, "outcome", 'outcome!="done"')),
                    unit=Unit.PER_SECOND,
                ),
                lines(
                    "Wait at the bus",
                    ("{{consumer}}", f"topk(8, {_BEFORE})"),
                    width=16,
                    help="Not handed out, or not acknowledged. Over a hundred for ten minutes: somebody is woken.",
                ),
                bars(
                    "Set aside by consumer, 24 hours",
                    ("{{consumer}}", or_none(f"topk(8, {rise(_CONSUMED, 'consumer', _DEAD)} > 0)", "consumer")),
                ),
            ),
        ),
        Row(
            "The server",
            (
                bars("Messages in the streams", ("{{stream}}", highest("schalter_nats_stream_messages", "stream"))),
                bars(
                    "How full the streams are",
                    (
                        "{{stream}}",
                        "max by (stream) (schalter_nats_stream_bytes / schalter_nats_stream_limit_bytes)",
                    ),
                    unit=Unit.SHARE,
                    help="From four fifths on somebody is woken.",
                ),
                lines(
                    "Connections",
                    ("open", highest("schalter_nats_connections")),
                    ("cut for being slow, an hour", rise("schalter_nats_slow_consumers_total", over="1h")),
                ),
            ),
        ),
    ),
)
