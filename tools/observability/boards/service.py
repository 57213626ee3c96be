"""One dashboard per service: the same rows for each, so that whoever knows one knows all, and what is its own."""

from collections.abc import Mapping
from typing import Final

from tools.observability.board import Board, Panel, Row, Unit, area, bars, lines, number
from tools.observability.promql import ASKED, highest, or_none, quantile, rate, rise, total

from contracts.topology import SERVICES

_SECONDS: Final = "schalter_http_request_seconds"
_CONSUMED: Final = "schalter_consumed_total"

_DELIVERED: Final = rise("schalter_mails_total", "kind", 'outcome="delivered"')
_CASES: Final = highest("schalter_casework_cases", "office, state")
_IN_PROGRESS: Final = highest("schalter_casework_cases_in_progress", "office, stage")
_STAGES: Final = "sum by (le, stage) (increase(schalter_casework_stage_seconds_bucket[24h]))"


def _redis(service: str) -> Panel:
    its = f'service="{service}"'
    return lines(
        "Redis answers in, 99 of 100",
        ("seconds", quantile(0.99, "schalter_redis_command_seconds", labels=its)),
        unit=Unit.SECONDS,
        help="Asked every five seconds over the line that requests use.",
    )


def _redis_errors(service: str) -> Panel:
    failed = rate("schalter_redis_errors_total", "kind", f'service="{service}"')
    return lines("Commands that Redis did not do", ("{{kind}}", failed), unit=Unit.PER_SECOND)


_BOOKING: Final = (
    lines(
        "Asked for a proof of work, or refused",
        ("{{kind}}", or_none(rate("schalter_booking_limited_total", "kind"), "kind")),
        unit=Unit.PER_SECOND,
        help="A jump: somebody grabs, or a limit is too tight.",
    ),
    bars(
        "Freed times offered to the waiting list, 24 hours",
        ("{{outcome}}", or_none(rise("schalter_booking_offers_total", "outcome"), "outcome")),
    ),
    lines(
        "Served without holds, Redis was away",
        ("requests", rate("schalter_booking_holds_unavailable_total")),
        unit=Unit.PER_SECOND,
    ),
    _redis("booking"),
    _redis_errors("booking"),
    lines(
        "Time spent counting what is free and who waits",
        ("share", rate("schalter_booking_figures_seconds_sum")),
        unit=Unit.SHARE,
        help="100 %: one core does nothing else.",
    ),
)
_SIGNALING: Final = (
    lines("Open sockets", ("{{role}}", or_none(total("schalter_signaling_connections", "role"), "role"))),
    lines("Equipment tests that run", ("now", total("schalter_signaling_checks"))),
    bars(
        "Sockets closed by the server, 24 hours",
        ("{{reason}}", or_none(rise("schalter_signaling_connections_ended_total", "reason"), "reason")),
    ),
    _redis("signaling"),
    _redis_errors("signaling"),
    bars("Equipment tests, 24 hours", ("{{outcome}}", rise("schalter_signaling_checks_finished_total", "outcome"))),
)
_NOTIFY: Final = (
    lines("Messages that wait", ("{{channel}}", highest("schalter_messages_waiting", "channel"))),
    lines(
        "The oldest has waited",
        ("{{channel}}", highest("schalter_messages_oldest_seconds", "channel")),
        unit=Unit.SECONDS,
    ),
    area("Tries to hand a mail over", ("{{outcome}}", rate("schalter_mails_total", "outcome")), unit=Unit.PER_SECOND),
    lines(
        "From queued to taken",
        ("half", quantile(0.5, "schalter_mail_seconds")),
        ("99 of 100", quantile(0.99, "schalter_mail_seconds")),
        unit=Unit.SECONDS,
    ),
    bars(
        "Mails by kind, 24 hours",
        ("{{kind}}", f"topk(8, {_DELIVERED})"),
    ),
    bars(
        "Mails that came back, 24 hours",
        ("{{outcome}}", or_none(rise("schalter_mail_reports_total", "outcome"), "outcome")),
    ),
)
_CASEWORK: Final = (
    lines("Cases of the day by state", ("{{state}}", f"sum by (state) ({_CASES})")),
    lines("Cases that clerks work on, by step", ("{{stage}}", f"sum by (stage) ({_IN_PROGRESS})")),
    bars(
        "Cases that ended, 24 hours",
        ("{{outcome}}", or_none(rise("schalter_casework_cases_ended_total", "outcome"), "outcome")),
    ),
    bars(
        "How long a step takes, half of them",
        ("{{stage}}", or_none(f"histogram_quantile(0.5, {_STAGES}) >= 0", "stage")),
        unit=Unit.SECONDS,
    ),
    lines(
        "Making a paper, 99 of 100",
        ("{{kind}}", or_none(quantile(0.99, "schalter_casework_paper_seconds", "kind"), "kind")),
        unit=Unit.SECONDS,
    ),
    lines("Sign-ins", ("{{outcome}}", rate("schalter_casework_sign_ins_total", "outcome")), unit=Unit.PER_SECOND),
    bars("Signatures, 24 hours", ("{{kind}}", rise("schalter_casework_signatures_total", "kind"))),
    number("Sessions stolen, 24 hours", rise("schalter_casework_sessions_stolen_total"), 1, 1),
    number("Logs broken, 24 hours", rise("schalter_casework_audit_trails_total", labels='outcome="broken"'), 1, 1),
    number("Events without their booking", highest("schalter_casework_parked_events"), 10, 100, width=8),
)
_PAYMENT: Final = (
    lines("Money and case disagree", ("{{kind}}", highest("schalter_payment_paid_but_open", "kind"))),
    bars("Webhooks, 24 hours", ("{{outcome}}", or_none(rise("schalter_payment_webhooks_total", "outcome"), "outcome"))),
    number("Completed unpaid, 24 hours", rise("schalter_payment_completed_unpaid_total"), 1, 1, width=8),
)
_OWN: Final[Mapping[str, tuple[Panel, ...]]] = {
    "booking": _BOOKING,
    "signaling": _SIGNALING,
    "casework": _CASEWORK,
    "notify": _NOTIFY,
    "payment": _PAYMENT,
}


def board(service: str) -> Board:
    """The dashboard of `service`."""
    its = f'service="{service}"'
    return Board(
        f"schalter-{service}",
        f"Service: {service}",
        (
            Row("Is it well?", _state(its)),
            Row("Answers", _answers(f"{its}, {ASKED}")),
            Row("Its own", _OWN[service]),
            Row("Events", _events(its)),
            Row("Database", _database(its)),
            Row("Process", _process(its)),
        ),
    )


def _state(its: str) -> tuple[Panel, ...]:
    return (
        number("Processes up", f"count(up{{{its}}} == 1) or vector(0)", 1, 1, falling=True),
        number("Parts not reached", f"count(schalter_service_ready{{{its}}} == 0) or vector(0)", 1, 1),
        number("Events not on the bus", highest("schalter_outbox_pending", labels=its), 100, 1000),
        number(
            "Oldest event off the bus",
            highest("schalter_outbox_oldest_seconds", labels=its),
            *(10, 60),
            unit=Unit.SECONDS,
        ),
        number("Dead letters, 24 hours", rise(_CONSUMED, labels=f'{its}, outcome="dead"'), 1, 1),
        number("Lines redacted, 24 hours", rise("schalter_log_lines_redacted_total", labels=its), 1, 1),
    )


def _answers(answers: str) -> tuple[Panel, ...]:
    failed = rate(f"{_SECONDS}_count", "method, route, status", f'{answers}, status=~"5.."')
    slowest = quantile(0.99, _SECONDS, "method, route", answers)
    return (
        area("Requests by status", ("{{status}}", rate(f"{_SECONDS}_count", "status", answers)), unit=Unit.PER_SECOND),
        lines(
            "How long answers take",
            ("half", quantile(0.5, _SECONDS, labels=answers)),
            ("95 of 100", quantile(0.95, _SECONDS, labels=answers)),
            ("99 of 100", quantile(0.99, _SECONDS, labels=answers)),
            unit=Unit.SECONDS,
        ),
        lines("Slowest routes, 99 of 100", ("{{method}} {{route}}", f"topk(5, {slowest})"), unit=Unit.SECONDS),
        lines(
            "Errors of ours by route",
            ("{{method}} {{route}} {{status}}", or_none(failed, "route")),
            unit=Unit.PER_SECOND,
            width=12,
        ),
        bars(
            "Busiest routes, an hour",
            ("{{method}} {{route}}", f"topk(8, {rise(f'{_SECONDS}_count', 'method, route', answers, '1h')})"),
            width=12,
        ),
    )


def _events(its: str) -> tuple[Panel, ...]:
    published = rate("schalter_outbox_published_total", "subject", its)
    return (
        lines("Processed, by outcome", ("{{outcome}}", rate(_CONSUMED, "outcome", its)), unit=Unit.PER_SECOND),
        lines("Published", ("{{subject}}", or_none(published, "subject")), unit=Unit.PER_SECOND),
        lines("Wait at the bus", ("{{consumer}}", f"topk(5, {highest('schalter_consumer_waiting', 'consumer', its)})")),
        lines(
            "Handed out, not done yet",
            ("{{consumer}}", f"topk(5, {highest('schalter_consumer_unacknowledged', 'consumer', its)})"),
        ),
        lines(
            "From commit to the bus",
            ("half", quantile(0.5, "schalter_outbox_lag_seconds", labels=its)),
            ("99 of 100", quantile(0.99, "schalter_outbox_lag_seconds", labels=its)),
            unit=Unit.SECONDS,
        ),
        lines(
            "Handed out again",
            ("{{consumer}}", f"topk(5, {rate('schalter_consumed_redelivered_total', 'consumer', its)})"),
            unit=Unit.PER_SECOND,
        ),
    )


def _database(its: str) -> tuple[Panel, ...]:
    return (
        lines(
            "Connections",
            ("{{state}}", total("schalter_database_connections", "state", its)),
            ("at most", total("schalter_database_connections_limit", labels=its)),
        ),
        lines(
            "Waiting for a connection",
            ("now", total("schalter_database_waiting", labels=its)),
            help="More than a moment: the database is slow, or the pool too small.",
        ),
        lines(
            "Failed through no fault of theirs",
            ("{{kind}}", rate("schalter_database_errors_total", "kind", its)),
            unit=Unit.PER_SECOND,
        ),
    )


def _process(its: str) -> tuple[Panel, ...]:
    restarts = rise("schalter_worker_restarts_total", "worker", its, "1h")
    return (
        lines("Memory", ("{{instance}}", total("process_resident_memory_bytes", "instance", its)), unit=Unit.BYTES),
        lines("Processor", ("{{instance}}", rate("process_cpu_seconds_total", "instance", its)), unit=Unit.SHARE),
        lines(
            "Event loop is late, 99 of 100",
            ("{{instance}}", quantile(0.99, "schalter_loop_lag_seconds", "instance", its)),
            unit=Unit.SECONDS,
            help="What blocks the loop delays everybody alike.",
        ),
        lines("Requests under way", ("now", total("schalter_http_requests_active", labels=its))),
        lines("Background work started again, an hour", ("{{worker}}", or_none(restarts, "worker"))),
        bars("Version", ("{{version}}", f"count by (version) (schalter_build_info{{{its}}})")),
    )


BOARDS: Final = tuple(board(service) for service in SERVICES)
