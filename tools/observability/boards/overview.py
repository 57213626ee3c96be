"""*Is everything well?* One screen: whoever is woken looks here first."""

from typing import Final

from tools.observability.board import Board, Row, Unit, area, bars, lines, number
from tools.observability.promql import ASKED, highest, or_none, quantile, rate, rise, total

_REQUESTS: Final = "schalter_http_request_seconds_count"
_BUDGET: Final = "on (slo) group_left () schalter:slo_budget:ratio"
#: Of the five services and the technical check; and the gateway.
_AWAY: Final = '6 - (count(count by (service) (up{job="services", service!="exporter"} == 1)) or vector(0))'
_DEAD: Final = "(count(schalter_gateway_answers == 0) or vector(0))"
_ALL: Final = rate(_REQUESTS, "service", ASKED)
_FAILED: Final = rate(_REQUESTS, "service", f'{ASKED}, status=~"5.."')

BOARD: Final = Board(
    "schalter-overview",
    "Is everything well?",
    (
        Row(
            "Now",
            (
                number("Alerts that fire", 'count(ALERTS{alertstate="firing"}) or vector(0)', 1, 1),
                number("Services, gateway away", f"{_AWAY} + {_DEAD}", 1, 1),
                number("Parts not reached", "count(schalter_service_ready == 0) or vector(0)", 1, 1),
                number(
                    "Oldest event off the bus", highest("schalter_outbox_oldest_seconds"), 10, 60, unit=Unit.SECONDS
                ),
                number("Oldest mail not sent", highest("schalter_messages_oldest_seconds"), 60, 900, unit=Unit.SECONDS),
                number("Dead letters, 24 hours", rise("schalter_consumed_total", labels='outcome="dead"'), 1, 1),
            ),
        ),
        Row(
            "What is promised",
            (
                lines(
                    "Burn rate over an hour",
                    ("{{slo}}", f"schalter:slo_bad:ratio1h / {_BUDGET}"),
                    unit=Unit.TIMES,
                    help="1: the allowance lasts exactly its month. From 14.4 on somebody is woken.",
                ),
                lines(
                    "Bad ones over five minutes",
                    ("{{slo}}", "schalter:slo_bad:ratio5m"),
                    unit=Unit.SHARE,
                    help="Whether it burns at this moment.",
                ),
                bars(
                    "Used of the allowance, three days",
                    ("{{slo}}", f"schalter:slo_bad:ratio3d / {_BUDGET}"),
                    unit=Unit.SHARE,
                    help="100 %: as much failed as may.",
                ),
            ),
        ),
        Row(
            "Answers",
            (
                area("Requests by service", ("{{service}}", _ALL), unit=Unit.PER_SECOND),
                lines(
                    "Errors of ours",
                    # A service without errors has no series of them.
                    ("{{service}}", f"{_FAILED} / {_ALL} or 0 * {_ALL}"),
                    unit=Unit.SHARE,
                ),
                lines(
                    "Slowest answer of a hundred",
                    ("{{service}}", quantile(0.99, "schalter_http_request_seconds", "service", ASKED)),
                    unit=Unit.SECONDS,
                ),
            ),
        ),
        Row(
            "What it stands on",
            (
                bars(
                    "Free space",
                    ("{{volume}}", "min by (volume) (schalter_disk_free_bytes / schalter_disk_size_bytes)"),
                    unit=Unit.SHARE,
                    width=6,
                    help="From a tenth on somebody is woken.",
                ),
                bars(
                    "Databases",
                    ("{{database}}", highest("schalter_postgres_size_bytes", "database")),
                    unit=Unit.BYTES,
                    width=6,
                ),
                lines(
                    "Connections to PostgreSQL",
                    ("used", highest("schalter_postgres_connections_used")),
                    ("at most", highest("schalter_postgres_connections_limit")),
                    width=6,
                ),
                lines(
                    "Memory of Redis and NATS",
                    ("Redis", highest("schalter_redis_memory_bytes")),
                    ("NATS", highest("schalter_nats_memory_bytes")),
                    unit=Unit.BYTES,
                    width=6,
                ),
            ),
        ),
        Row(
            "What fires, and what it runs on",
            (
                bars(
                    "Alerts that fire",
                    ("{{alertname}}", or_none('count by (alertname) (ALERTS{alertstate="firing"})', "alertname")),
                    help="Each has its page in docs/runbooks.",
                ),
                lines(
                    "Memory",
                    ("{{service}}", total("process_resident_memory_bytes", "service", 'job="services"')),
                    unit=Unit.BYTES,
                ),
                lines(
                    "Processor",
                    ("{{service}}", rate("process_cpu_seconds_total", "service", 'job="services"')),
                    unit=Unit.SHARE,
                    help="100 %: one core.",
                ),
            ),
        ),
    ),
)
