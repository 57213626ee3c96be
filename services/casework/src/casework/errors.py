"""What casework refuses, and how it says so: every refusal has a code for programs and a sentence for people."""

from typing import Final

from chassis.problems import Problem

#: What an application may lack, in the order of the work.
MISSING: Final = {
    "application": "An application is not complete yet.",
    "confirmation": "The citizen has not confirmed an application yet.",
    "signature": "The citizen has not signed an application yet.",
}


class StepMissing(Problem):
    """The order of facts: something has to happen first. `step` names it."""

    code, status, title = "step_missing", 409, "A step is missing"

    def __init__(self, step: str, detail: str) -> None:
        super().__init__(detail, step=step)
        self.step = step


class CaseClosed(Problem):
    """The case is completed, aborted or cancelled; nothing changes it any more."""

    code, status, title = "case_closed", 409, "The case is closed"


class CaseTaken(Problem):
    """A colleague has the case. Only a lead takes it over."""

    code, status, title = "case_taken", 409, "A colleague has this case"


class NotAssigned(Problem):
    """Whoever changes a case takes it first, so that it is always known who answers for it."""

    code, status, title = "not_assigned", 409, "Take the case first"


class RevisionConflict(Problem):
    """Somebody else saved in between. `revision` is the current one."""

    code, status, title = "revision_conflict", 409, "Changed in between"

    def __init__(self, current: int) -> None:
        super().__init__("The application was changed in between. Read it again.", revision=current)


class DocumentChanged(Problem):
    """The hash is not that of the document as it stands: what was seen is no longer what would be signed."""

    code, status, title = "document_changed", 409, "The document changed"


class FeeFixed(Problem):
    """The fee was asked for already; a change that alters it would make the payment wrong."""

    code, status, title = "fee_fixed", 409, "The fee is already being paid"


class SignatureInvalid(Problem):
    """Not a signature: empty, outside its box, or too large."""

    code, status, title = "signature_invalid", 422, "Not a usable signature"


class RecordInvalid(Problem):
    """The record of an identity check contradicts itself."""

    code, status, title = "record_invalid", 422, "The record is contradictory"


class LinkExpired(Problem):
    """The appointment was cancelled or moved, and its link died with it."""

    code, status, title = "link_expired", 410, "This link is no longer valid"


class CitizenHere(Problem):
    """Nobody says of a citizen who waits or talks that they did not come."""

    code, status, title = "citizen_here", 409, "The person is in the waiting room or in the call"


class NotReady(Problem):
    """It will exist, but not yet."""

    code, status, title = "not_ready", 409, "Not ready yet"


class SignInRefused(Problem):
    """One answer for an unknown name, a wrong password and a closed account."""

    code, status, title = "sign_in_refused", 401, "Name or password is wrong"


class TooManyAttempts(Problem):
    """Guessing is slowed down, per name and per address."""

    code, status, title = "too_many_attempts", 429, "Too many attempts"


class SessionEnded(Problem):
    """Signed out, expired, or taken over."""

    code, status, title = "session_ended", 401, "Please sign in again"


class NothingToPay(Problem):
    """The services of this case are free."""

    code, status, title = "nothing_to_pay", 409, "Nothing to pay"


class ForeignOrigin(Problem):
    """Another site made the browser send this."""

    code, status, title = "foreign_origin", 403, "Not from here"
