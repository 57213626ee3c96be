"""What the steps of a case build on: each raises StepMissing, naming what has to happen first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casework.errors import MISSING, NothingToPay, StepMissing
from contracts.casework import Stage

if TYPE_CHECKING:
    from casework.cases.model import Case


def require_stage(case: Case, stage: Stage) -> None:
    """What the citizen sees at `stage` is there. Raises StepMissing."""
    missing = {application.missing_step() for application in case.applications}
    if stage == "signature":
        _require_none_of(missing & {"application", "confirmation"})
    elif stage == "payment":
        _require_none_of(missing)
    elif stage == "done":
        raise StepMissing("completion", "The case is done when it is completed.")


def _require_settled(case: Case) -> None:
    verified = case.identity_check is not None and case.identity_check.outcome == "verified"
    if not verified and any(application.needs_identity for application in case.applications):
        raise StepMissing("identity", "The identity of the person has not been verified.")
    _require_none_of({application.missing_step() for application in case.applications})


def require_payable(case: Case) -> None:
    """The fee can be asked for, once. Raises StepMissing, NothingToPay."""
    _require_settled(case)
    if case.payment.state != "none":
        raise StepMissing("payment", "The fee was asked for already.")
    if case.fee_cents == 0:
        raise NothingToPay("The services of this case are free.")


def require_completable(case: Case) -> None:
    """All is done and the fee is secured. Raises StepMissing."""
    _require_settled(case)
    if case.fee_cents > 0 and not case.payment.secures(case.fee_cents):
        raise StepMissing("payment", "The fee has not been paid.")


def _require_none_of(missing: set[str | None]) -> None:
    for step, sentence in MISSING.items():
        if step in missing:
            raise StepMissing(step, sentence)
