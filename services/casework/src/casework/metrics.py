"""What casework tells Prometheus: what becomes of cases, how long their steps take, papers, and signing in."""

from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import at_zero
from contracts.base import Event
from contracts.casework import AbortReason, CaseAborted, CaseCompleted, CaseOpened, Signed, Stage

#: As a case has them (`cases.model`), which is a rule and knows nothing of figures.
STATES: Final = ("open", "in_progress", "completed", "aborted", "cancelled")
#: Those that a clerk works in: "done" is the end.
STAGES: Final = tuple(stage for stage in get_args(Stage) if stage != "done")
_CALL_SECONDS: Final = (30, 60, 120, 300, 600, 900, 1200, 1800, 3600)

OPENED: Final = Counter("schalter_casework_cases_opened_total", "Cases opened for appointments.", ("office",))
ENDED: Final = Counter(
    "schalter_casework_cases_ended_total",
    "Cases that ended: completed, or aborted and why (citizen_absent: a no-show). Cancelled ones count in booking.",
    ("office", "outcome"),
)
CASES: Final = Gauge(
    "schalter_casework_cases", "Cases of the office's day by state. Max of processes.", ("office", "state")
)
IN_STAGE: Final = Gauge(
    "schalter_casework_cases_in_progress",
    "Cases that a clerk works on now, by step. Max of processes.",
    ("office", "stage"),
)
PARKED: Final = Gauge(
    "schalter_casework_parked_events", "Events about appointments whose booking has not arrived yet. Max of processes."
)
STAGE_SECONDS: Final = Histogram(
    "schalter_casework_stage_seconds",
    "How long a step was shown until the next one, the first from the call's beginning, in seconds.",
    ("stage",),
    buckets=_CALL_SECONDS,
)
CALL_TO_DONE_SECONDS: Final = Histogram(
    "schalter_casework_call_to_done_seconds",
    "Time from the call's first beginning to the completion of the case, in seconds.",
    ("office",),
    buckets=_CALL_SECONDS,
)
SIGNATURES: Final = Counter("schalter_casework_signatures_total", "Applications signed, by how.", ("kind",))
PAPER_SECONDS: Final = Histogram(
    "schalter_casework_paper_seconds",
    "How long making a paper took, in seconds; its count is how many were made.",
    ("kind",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
SIGN_INS: Final = Counter(
    "schalter_casework_sign_ins_total",
    "Tries to sign in: done, refused (name or password), locked (too many tries lately, so nobody looked).",
    ("outcome",),
)
SESSIONS_STOLEN: Final = Counter(
    "schalter_casework_sessions_stolen_total",
    "Sessions ended because a token came that had been replaced: two have it.",
)
AUDIT_TRAILS: Final = Counter(
    "schalter_casework_audit_trails_total",
    "Audit trails read again, all in turn, and whether they are what was written: sound, or broken.",
    ("outcome",),
)
at_zero(AUDIT_TRAILS, ("sound", "broken"))
at_zero(STAGE_SECONDS, STAGES)
at_zero(SIGNATURES, ("drawn", "typed"))
at_zero(PAPER_SECONDS, ("application", "receipt"))
at_zero(SIGN_INS, ("done", "refused", "locked"))


def begin_at_zero(offices: Iterable[str]) -> None:
    """All series of these offices are there before anything happens."""
    offices = list(offices)
    at_zero(OPENED, offices)
    at_zero(ENDED, offices, ("completed", *get_args(AbortReason)))
    at_zero(CASES, offices, STATES)
    at_zero(IN_STAGE, offices, STAGES)
    at_zero(CALL_TO_DONE_SECONDS, offices)


def count(event: Event) -> None:
    """Count what `event`, which was committed, says."""
    match event:
        case CaseOpened():
            OPENED.labels(event.office).inc()
        case CaseCompleted():
            ENDED.labels(event.office, "completed").inc()
        case CaseAborted():
            ENDED.labels(event.office, event.reason).inc()
        case Signed():
            SIGNATURES.labels(event.method).inc()
