"""The rules of a case: who may do what, in which order. Plain Python; the time is a parameter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from casework.applications.model import Application, Draft
from casework.applications.signature import Signature
from casework.cases import steps
from casework.cases.booked import Booked, Person
from casework.cases.facts import Fact, of_application, written
from casework.cases.identity import IdentityCheck
from casework.cases.payment import Payment
from casework.errors import (
    CaseClosed,
    CaseTaken,
    CitizenHere,
    FeeFixed,
    NotAssigned,
    StepMissing,
)
from chassis.problems import NotFound, Problem
from contracts.actors import Clerk
from contracts.booking import Need
from contracts.casework import Stage

State = Literal["open", "in_progress", "completed", "aborted", "cancelled"]
Presence = Literal["absent", "waiting", "in_call"]
MailState = Literal["pending", "delivered", "failed"]

CITIZEN = "citizen"
SYSTEM = "system"
#: The mails that bring the link: without one of them nobody comes.
LINK_MAILS = ("confirmation", "rescheduled", "link")
#: The stages that a clerk may show; "done" follows from completion alone.
SHOWABLE: tuple[Stage, ...] = ("talk", "identity", "application", "signature", "payment")


@dataclass
class Case:
    """One appointment's matter: its applications, identity check, payment and where the call stands.

    Methods apply one act each and note it in `facts`; they change nothing when the act happened before. `revision`
    rises with everything that the citizen's screen shows.
    """

    case_id: UUID
    office: str
    appointment_id: UUID
    reference: str
    starts_at: datetime
    ends_at: datetime
    language: Literal["de", "en"]
    link_generation: int
    person: Person | None
    applications: list[Application]
    state: State = "open"
    stage: Stage = "talk"
    revision: int = 1
    clerk_id: UUID | None = None
    identity_check: IdentityCheck | None = None
    payment: Payment = field(default_factory=Payment)
    presence: Presence = "absent"
    presence_at: datetime | None = None
    waiting_since: datetime | None = None
    technical_check: Mapping[str, Any] | None = None
    mail: MailState = "pending"
    ended_at: datetime | None = None
    abort_reason: str | None = None
    needs: tuple[Need, ...] = ()
    moved_at: datetime | None = None
    contact_revision: int = 0
    absence_told_at: datetime | None = None
    erasure_requested_at: datetime | None = None
    facts: list[Fact] = field(default_factory=list)

    @property
    def fee_cents(self) -> int:
        """What the citizen pays for all services together."""
        return sum(application.fee_cents for application in self.applications)

    @property
    def closed(self) -> bool:
        """Nothing more can be done in this case."""
        return self.state in ("completed", "aborted", "cancelled")

    @property
    def erased(self) -> bool:
        """The citizen had themself forgotten, and no duty to keep the case stood against it."""
        return self.erasure_requested_at is not None and self.state != "completed"

    def application(self, application_id: UUID) -> Application:
        """The application with this id. Raises NotFound."""
        for application in self.applications:
            if application.application_id == application_id:
                return application
        raise NotFound("There is no such application.")

    # What a clerk does

    def take(self, clerk: Clerk, now: datetime) -> None:
        """The clerk takes the case. A colleague's case is taken over by a lead or an administrator alone."""
        self._require_open()
        if self.clerk_id == clerk.sub:
            return
        if self.clerk_id is not None and clerk.role == "clerk":
            raise CaseTaken("A colleague has this case. A lead can take it over.")
        self.clerk_id, self.state = clerk.sub, "in_progress"
        self._note(now, clerk.name, "case_taken", shown=True)

    def show(self, stage: Stage, clerk: Clerk, now: datetime) -> None:
        """Show the citizen another stage. Going back is free; going on needs what the stage builds on."""
        self._require_mine(clerk)
        steps.require_stage(self, stage)
        if stage != self.stage:
            self.stage = stage
            self._note(now, clerk.name, "stage_shown", shown=True, stage=stage)

    def record_identity(self, check: IdentityCheck, clerk: Clerk, now: datetime) -> None:
        """Record what the identity check found. A later record replaces an earlier one; the audit trail keeps both."""
        self._require_mine(clerk)
        before = self.identity_check
        if before is not None and before.repeats(check):
            return
        self.identity_check = check
        self._note(
            now,
            clerk.name,
            "identity_checked",
            shown=True,
            document_type=check.document_type,
            outcome=check.outcome,
        )

    def edit(self, application_id: UUID, draft: Draft, base_revision: int, clerk: Clerk, now: datetime) -> bool:
        """Save an application. Raises FeeFixed when the fee was asked for already and would change."""
        self._require_mine(clerk)
        application = self.application(application_id)
        if self.payment.state != "none" and draft.fee_cents != application.fee_cents:
            raise FeeFixed("The fee was asked for already. This change would alter it.")
        if not application.edit(draft, base_revision):
            return False
        self._note(
            now,
            clerk.name,
            "application_saved",
            shown=True,
            **of_application(application.application_id, draft.document_hash),
        )
        return True

    def request_payment(self, items: tuple[Mapping[str, Any], ...], clerk: Clerk, now: datetime) -> bool:
        """Ask for the fee, once per case: asking again changes nothing. False when it was asked for before."""
        self._require_mine(clerk)
        if self.payment.state != "none":
            return False
        steps.require_payable(self)
        self.payment = Payment(state="requested", amount_cents=self.fee_cents, items=items)
        self.stage = "payment"
        self._note(now, clerk.name, "payment_requested", shown=True, amount_cents=str(self.fee_cents))
        return True

    def complete(self, clerk: Clerk, now: datetime) -> bool:
        """Finish the case. False when it was completed before: the same answer, no second effect."""
        if self.state == "completed":
            return False
        self._require_mine(clerk)
        steps.require_completable(self)
        self.state, self.stage, self.ended_at = "completed", "done", now
        self._note(now, clerk.name, "case_completed", shown=True)
        return True

    def abort(self, reason: str, clerk: Clerk, now: datetime) -> bool:
        """End the case without a result. False when it was aborted before. Nobody who is there is said to be absent."""
        if self.state == "aborted":
            return False
        self._require_mine(clerk)
        if reason == "citizen_absent" and self.presence != "absent":
            raise CitizenHere
        if reason == "citizen_absent":
            self._tell_absence(now)
        self._abort(reason, clerk.name, now)
        return True

    def allowed_actions(self, clerk: Clerk) -> list[str]:
        """What this clerk could do now, by the same rules that judge the act itself."""
        checks: list[tuple[str, Callable[[], object]]] = [
            ("assignment", lambda: self._require_takeable(clerk)),
            *((f"stage:{stage}", lambda stage=stage: steps.require_stage(self, stage)) for stage in SHOWABLE),
            ("identity_check", lambda: None),
            ("edit", lambda: None),
            ("payment_request", lambda: steps.require_payable(self)),
            ("completion", lambda: steps.require_completable(self)),
            ("abortion", lambda: None),
        ]
        allowed = [name for name, check in checks if self._permits(clerk, name, check)]
        return [*allowed, "package"] if self.state == "completed" else allowed

    # What the citizen does

    def confirm(self, application_id: UUID, document_hash: str, now: datetime) -> bool:
        """The citizen confirms what they see. False when they did before."""
        application = self.application(application_id)
        self._require_running()
        if not application.confirm(document_hash, now):
            return False
        self._note(
            now,
            CITIZEN,
            "application_confirmed",
            shown=True,
            **of_application(application.application_id, document_hash),
        )
        return True

    def sign(self, application_id: UUID, signature: Signature, now: datetime) -> bool:
        """The citizen signs what they confirmed. False when they did before."""
        application = self.application(application_id)
        self._require_running()
        if not application.sign(signature, now):
            return False
        named = of_application(application.application_id, signature.document_hash)
        self._note(now, CITIZEN, "application_signed", shown=True, method=signature.method, **named)
        return True

    # What other services report

    def move(self, booked: Booked, by: str, actor: str, at: datetime) -> bool:
        """The appointment has another time and link. False when a newer link is known: moves arrive in any order.

        What was done so far stays; but nobody has the case any more, since the day may be another colleague's. Of a
        finished case only the link is brought up to date.
        """
        if booked.link_generation <= self.link_generation or self.erased:
            return False
        before = self.starts_at
        self._take_over(booked, at)
        detail = {"by": by, "before": written(before), "after": written(self.starts_at)}
        self._note(at, actor, "appointment_moved", shown=True, **detail)
        return True

    def readdress(self, booked: Booked, by: str, actor: str, at: datetime) -> bool:
        """The citizen is written to elsewhere; what moved before comes along. False when something newer is known."""
        told, known = (booked.link_generation, booked.contact_revision), (self.link_generation, self.contact_revision)
        if told < known or self.erased:
            return False
        if booked.starts_at != self.starts_at:
            self._take_over(booked, at)
        self.link_generation, self.contact_revision = told
        self.person, self.moved_at = booked.person, at
        self.mail = self.mail if self.closed else "pending"
        self._note(at, actor, "contact_changed", shown=True, by=by)
        return True

    def cancel(self, by: str, actor: str, now: datetime) -> bool:
        """The appointment was cancelled. A finished case stays what it is."""
        if self.closed:
            return False
        self.state, self.stage, self.ended_at = "cancelled", "done", now
        self._note(now, actor, "appointment_cancelled", shown=True, by=by)
        return True

    def miss(self, actor: str, at: datetime) -> bool:
        """The citizen did not come, booking says: the case is aborted, unless it is finished or they talk after all."""
        if self.presence == "in_call" or not self._tell_absence(at) or self.closed:
            return False
        self._abort("citizen_absent", actor, at)
        return True

    def resume(self, actor: str, at: datetime) -> bool:
        """The citizen came after all, booking says: the case goes on where it was, and with whom.

        What was asked for has been given back with the case; it is asked for anew.
        """
        missed = self.state == "aborted" and self.abort_reason == "citizen_absent" and not self.erased
        if not self._tell_absence(at) or not missed:
            return False
        self.state, self.stage = "open" if self.clerk_id is None else "in_progress", "talk"
        self.ended_at, self.abort_reason, self.payment = None, None, Payment()
        self._note(at, actor, "case_resumed", shown=True)
        return True

    def forget(self, at: datetime) -> bool:
        """The citizen wants to be forgotten (GDPR Art. 17). Returns whether they are now.

        A completed case is kept until its retention ends: the law obliges the office to (Art. 17 (3) b). Of any other
        everything goes that names or describes the person; the case remains as a skeleton, with its audit trail.
        """
        if self.erasure_requested_at is not None:
            return False
        self.erasure_requested_at = at
        if self.state == "completed":
            self._note(at, CITIZEN, "erasure_deferred", ground="GDPR Art. 17 (3) b")
            return False
        self.cancel("citizen", CITIZEN, at)
        self.person, self.identity_check, self.technical_check, self.needs = None, None, None, ()
        self.presence, self.presence_at, self.waiting_since = "absent", None, None
        for application in self.applications:
            application.erase()
        self._note(at, CITIZEN, "data_erased", shown=True)
        return True

    def see(self, presence: Presence, at: datetime, since: datetime | None = None) -> bool:
        """The citizen's presence, as of `at`. Reports arrive in any order: an older one than the last says nothing.

        Nor does one of somebody who is forgotten.
        """
        if self.erased or (self.presence_at is not None and at < self.presence_at):
            return False
        self.presence, self.presence_at = presence, at
        self.waiting_since = since if presence == "waiting" else None
        return True

    def admitted(self, clerk_id: UUID, at: datetime) -> None:
        """A clerk let the citizen in. Whoever does so has the case, unless somebody has it already."""
        if not self.closed and self.clerk_id is None:
            self.clerk_id, self.state = clerk_id, "in_progress"
            self._note(at, f"clerk:{clerk_id}", "case_taken", shown=True)
        self._note(at, f"clerk:{clerk_id}", "citizen_admitted")

    def pay(self, report: Payment, at: datetime) -> bool:
        """The payment service reports a state of the order. Reports repeat and overtake each other; see Payment."""
        after = self.payment.after(report)
        if after == self.payment:
            return False
        self.payment = after
        self._note(at, SYSTEM, f"payment_{after.state}", shown=True, provider=after.provider)
        return True

    def told(self, kind: str, outcome: Literal["delivered", "failed"], at: datetime) -> None:
        """A mail reached the citizen, or did not: the agenda shows the one with the link, the trail all failures."""
        if kind in LINK_MAILS and (self.moved_at is None or at >= self.moved_at):
            self.mail = outcome
        if outcome == "failed":
            self._note(at, SYSTEM, "mail_failed", kind=kind)

    def note(self, at: datetime, action: str, **detail: str) -> None:
        """Keep in the audit trail what happened elsewhere and changes nothing that is shown."""
        self.facts.append(Fact(at, SYSTEM, action, detail))

    def _take_over(self, booked: Booked, at: datetime) -> None:
        self.link_generation, self.reference, self.person = booked.link_generation, booked.reference, booked.person
        self.starts_at, self.ends_at, self.needs, self.moved_at = booked.starts_at, booked.ends_at, booked.needs, at
        if not self.closed:
            self.state, self.stage, self.clerk_id, self.mail = "open", "talk", None, "pending"
            self.see("absent", max(at, self.presence_at or at))

    def _tell_absence(self, at: datetime) -> bool:
        """Whether this word about their absence is the latest: words arrive in any order, an older one says nothing."""
        if self.absence_told_at is not None and at < self.absence_told_at:
            return False
        self.absence_told_at = at
        return True

    def _abort(self, reason: str, actor: str, at: datetime) -> None:
        self.state, self.stage, self.ended_at, self.abort_reason = "aborted", "done", at, reason
        self._note(at, actor, "case_aborted", shown=True, reason=reason)

    def _require_open(self) -> None:
        if self.closed:
            raise CaseClosed(f"The case is {self.state}.")

    def _require_running(self) -> None:
        self._require_open()
        if self.state != "in_progress":
            raise StepMissing("assignment", "No clerk has begun with this case yet.")

    def _require_mine(self, clerk: Clerk) -> None:
        self._require_open()
        if self.clerk_id != clerk.sub:
            raise NotAssigned("Take the case before you work on it.")

    def _require_takeable(self, clerk: Clerk) -> None:
        if self.clerk_id == clerk.sub or (self.clerk_id is not None and clerk.role == "clerk"):
            raise CaseTaken("The case is taken.")

    def _permits(self, clerk: Clerk, name: str, check: Callable[[], object]) -> bool:
        try:
            if name == "assignment":
                self._require_open()
            else:
                self._require_mine(clerk)
            check()
        except Problem:
            return False
        return True

    def _note(self, at: datetime, actor: str, action: str, *, shown: bool = False, **detail: str) -> None:
        self.facts.append(Fact(at, actor, action, detail))
        if shown:
            self.revision += 1
