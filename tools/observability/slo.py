"""What we promise, and when breaking it wakes somebody: deploy/prometheus/slo.yml is made from this.

Burn rates over two windows each, after chapter 5 of Google's Site Reliability Workbook: the long window says that it
matters, the short one that it still goes on.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml


@dataclass(frozen=True)
class Slo:
    """A promise: at least `objective` of what `total` counts is not `bad` (PromQL with WINDOW in it)."""

    name: str
    what: str
    objective: float
    bad: str
    total: str

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.objective, 6)


_BOOKING: Final = (
    'schalter_http_request_seconds_count{service="booking",method="POST",route=~".*/offices/[^/]+/appointments"'
)

SLOS: Final = (
    Slo(
        name="bookings",
        what="bookings are answered without an error of ours",
        objective=0.999,
        bad=f'sum(increase({_BOOKING},status=~"5.."}}[WINDOW]))',
        total=f"sum(increase({_BOOKING}}}[WINDOW]))",
    ),
    Slo(
        name="mails",
        what="mails are handed over within 60 seconds",
        objective=0.999,
        bad="sum(increase(schalter_mail_seconds_count[WINDOW]))"
        ' - sum(increase(schalter_mail_seconds_bucket{le="60.0"}[WINDOW]))',
        total="sum(increase(schalter_mail_seconds_count[WINDOW]))",
    ),
    Slo(
        name="calls",
        what="calls stand within five seconds",
        objective=0.995,
        # Who was not connected at once has no time to tell.
        bad="sum(increase(schalter_signaling_join_seconds_count[WINDOW]))"
        ' - sum(increase(schalter_signaling_join_seconds_bucket{le="5.0"}[WINDOW]))'
        ' + sum(increase(schalter_signaling_paths_total{path="none"}[WINDOW]))',
        total="sum(increase(schalter_signaling_paths_total[WINDOW]))",
    ),
)


@dataclass(frozen=True)
class Burn:
    """How fast the budget of 30 days may go, seen over a long and a short window, before somebody hears of it."""

    alert: str
    rate: float
    long: str
    short: str
    severity: str


BURNS: Final = (
    Burn("SloBurnsFast", 14.4, "1h", "5m", "page"),
    Burn("SloBurnsFast", 6, "6h", "30m", "page"),
    Burn("SloBurnsSlowly", 3, "1d", "2h", "ticket"),
    Burn("SloBurnsSlowly", 1, "3d", "6h", "ticket"),
)

#: Of how many at least a share is taken, by window: in a small town one failure alone raises no alert.
_AT_LEAST: Final = {"5m": 10, "30m": 50, "1h": 100, "2h": 100, "6h": 200, "1d": 400, "3d": 1200}

_ACTIONS: Final = {
    "SloBurnsFast": 'Now: look at what else fires, then at the dashboard "Is everything well?".',
    "SloBurnsSlowly": "This week: find what fails again and again; the month's budget will not last.",
}


def recorded(window: str) -> str:
    """The name of the series that holds the share of bad ones over `window`, by `slo`."""
    return f"schalter:slo_bad:ratio{window}"


def rules() -> dict[str, Any]:
    """The rule file's content."""
    windows = [rule for slo in SLOS for rule in _recordings(slo)]
    budgets = [
        {"record": "schalter:slo_budget:ratio", "expr": f"vector({slo.budget:g})", "labels": {"slo": slo.name}}
        for slo in SLOS
    ]
    return {"groups": [
        {"name": "slo", "interval": "30s", "rules": budgets + windows},
        {"name": "slo-alerts", "rules": [_alert(burn) for burn in BURNS]},
    ]}  # fmt: skip


def _recordings(slo: Slo) -> list[dict[str, Any]]:
    return [
        {
            "record": recorded(window),
            # A service that has just come has counted nothing yet: nothing is bad.
            "expr": f"({slo.bad.replace('WINDOW', window)} or vector(0))"
            f" / clamp_min({slo.total.replace('WINDOW', window)} or vector(0), {least})",
            "labels": {"slo": slo.name},
        }
        for window, least in _AT_LEAST.items()
    ]


def _alert(burn: Burn) -> dict[str, Any]:
    limit = f"on (slo) ({burn.rate:g} * schalter:slo_budget:ratio)"
    return {
        "alert": burn.alert,
        "expr": f"{recorded(burn.long)} > {limit} and on (slo) {recorded(burn.short)} > {limit}",
        "labels": {"severity": burn.severity, "window": burn.long},
        "annotations": {
            "summary": f"The promise about {{{{ $labels.slo }}}} is broken {burn.rate:g} times as fast as it may be",
            "action": _ACTIONS[burn.alert],
            "runbook": f"docs/runbooks/{burn.alert}.md",
        },
    }


def document() -> str:
    """The rule file as it stands in the repository."""
    head = "# Made by `make dashboards` from tools/observability/slo.py; docs/operations.md says what is promised.\n"
    return head + yaml.safe_dump(rules(), sort_keys=False, width=120, allow_unicode=True)
