"""The rules of a case as a specification, and the order of facts against every sequence of acts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from casework.applications.model import Application, Draft
from casework.applications.signature import Signature
from casework.cases.booked import Person
from casework.cases.identity import IdentityCheck
from casework.cases.model import Case
from casework.cases.payment import Payment
from casework.errors import (
    CaseClosed,
    CaseTaken,
    DocumentChanged,
    FeeFixed,
    NotAssigned,
    NothingToPay,
    RecordInvalid,
    RevisionConflict,
    StepMissing,
)
from chassis.problems import NotFound, Problem
from contracts.actors import Clerk

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
KARL = Clerk(sub=uuid4(), office="heidelberg", role="clerk", display_name="Karl Amt")
ANNA = Clerk(sub=uuid4(), office="heidelberg", role="clerk", display_name="Anna Amt")
LEAD = Clerk(sub=uuid4(), office="heidelberg", role="lead", display_name="Lea Leitung")


def draft(content: str = "a", fee: int = 1300, complete: bool = True) -> Draft:
    """A draft whose hash tells its content."""
    document = {"content": content} if complete else None
    return Draft({"content": content}, (), document, content.rjust(64, "0") if complete else None, fee)


def signature(document_hash: str) -> Signature:
    return Signature(document_hash, "typed", "keyboard", 0, 0, (), "Ayşe Öztürk")


def check(**changes: Any) -> IdentityCheck:
    fields: dict[str, Any] = {
        "document_type": "identity_card",
        "photo_matches": True,
        "security_features": True,
        "not_expired": True,
        "data_matches": True,
        "outcome": "verified",
        "note": "",
        "clerk_id": KARL.sub,
        "checked_at": NOW,
    }
    return IdentityCheck(**fields | changes)


def new_case(*, services: int = 1, needs_signature: bool = True, needs_identity: bool = True) -> Case:
    return Case(
        case_id=uuid4(),
        office="heidelberg",
        appointment_id=uuid4(),
        reference="HD-000001",
        starts_at=NOW,
        ends_at=NOW + timedelta(minutes=15),
        language="de",
        link_generation=1,
        person=Person("Ayşe Öztürk", "ayse@example.org"),
        applications=[Application(uuid4(), "test", needs_identity, needs_signature) for _ in range(services)],
    )


def taken(**kind: Any) -> Case:
    case = new_case(**kind)
    case.take(KARL, NOW)
    return case


def settled(fee: int = 1300) -> Case:
    """A case in which all that remains is money."""
    case = taken()
    case.record_identity(check(), KARL, NOW)
    (application,) = case.applications
    case.edit(application.application_id, draft(fee=fee), 0, KARL, NOW)
    assert application.document_hash
    case.confirm(application.application_id, application.document_hash, NOW)
    case.sign(application.application_id, signature(application.document_hash), NOW)
    return case


def report(state: Any, amount: int = 1300, order: UUID = UUID(int=1), at: datetime = NOW, **more: Any) -> Payment:
    return Payment(state, amount, order_id=order, provider="paypal", at=at, **more)


class TestOrderOfFacts:
    def test_a_case_goes_from_booking_to_done(self) -> None:
        case = settled()
        assert case.request_payment((), KARL, NOW)
        assert case.stage == "payment"
        case.pay(report("authorised"), NOW)
        assert case.complete(KARL, NOW)
        assert (case.state, case.stage, case.ended_at) == ("completed", "done", NOW)

    def test_an_incomplete_application_cannot_be_confirmed(self) -> None:
        case = taken()
        (application,) = case.applications
        case.edit(application.application_id, draft(complete=False), 0, KARL, NOW)
        with pytest.raises(StepMissing) as refused:
            case.confirm(application.application_id, "0" * 64, NOW)
        assert refused.value.step == "application"

    def test_what_was_confirmed_is_what_was_read(self) -> None:
        case = taken()
        (application,) = case.applications
        case.edit(application.application_id, draft("a"), 0, KARL, NOW)
        read = application.document_hash
        case.edit(application.application_id, draft("b"), 1, KARL, NOW)
        with pytest.raises(DocumentChanged):
            case.confirm(application.application_id, str(read), NOW)

    def test_nothing_is_signed_unconfirmed(self) -> None:
        case = taken()
        (application,) = case.applications
        case.edit(application.application_id, draft(), 0, KARL, NOW)
        with pytest.raises(StepMissing) as refused:
            case.sign(application.application_id, signature(str(application.document_hash)), NOW)
        assert refused.value.step == "confirmation"

    def test_an_edit_voids_confirmation_and_signature(self) -> None:
        case = settled()
        (application,) = case.applications
        case.edit(application.application_id, draft("b"), 1, KARL, NOW)
        assert (application.confirmed_at, application.signed_at, application.signature) == (None, None, None)

    def test_saving_the_same_again_is_no_edit(self) -> None:
        case = settled()
        (application,) = case.applications
        revision = case.revision
        assert not case.edit(application.application_id, draft(), 0, KARL, NOW)
        assert application.settled
        assert case.revision == revision

    def test_two_editors_do_not_overwrite_each_other(self) -> None:
        case = taken()
        (application,) = case.applications
        case.edit(application.application_id, draft("a"), 0, KARL, NOW)
        with pytest.raises(RevisionConflict) as refused:
            case.edit(application.application_id, draft("b"), 0, KARL, NOW)
        assert refused.value.extra == {"revision": 1}

    @pytest.mark.parametrize("act", ["request_payment", "complete"])
    def test_no_money_and_no_end_without_a_verified_identity(self, act: str) -> None:
        case = settled()
        case.record_identity(check(outcome="refused"), KARL, NOW)
        with pytest.raises(StepMissing) as refused:
            case.request_payment((), KARL, NOW) if act == "request_payment" else case.complete(KARL, NOW)
        assert refused.value.step == "identity"

    def test_a_service_that_needs_no_identity_does_without(self) -> None:
        case = taken(needs_identity=False, needs_signature=False)
        (application,) = case.applications
        case.edit(application.application_id, draft(fee=0), 0, KARL, NOW)
        case.confirm(application.application_id, str(application.document_hash), NOW)
        assert case.complete(KARL, NOW)

    def test_every_application_counts(self) -> None:
        case = taken(services=2)
        case.record_identity(check(), KARL, NOW)
        first = case.applications[0]
        case.edit(first.application_id, draft(), 0, KARL, NOW)
        case.confirm(first.application_id, str(first.document_hash), NOW)
        case.sign(first.application_id, signature(str(first.document_hash)), NOW)
        with pytest.raises(StepMissing) as refused:
            case.request_payment((), KARL, NOW)
        assert refused.value.step == "application"

    def test_a_free_case_has_nothing_to_pay_and_completes(self) -> None:
        case = settled(fee=0)
        with pytest.raises(NothingToPay):
            case.request_payment((), KARL, NOW)
        assert case.complete(KARL, NOW)

    def test_a_case_with_a_fee_waits_for_the_money(self) -> None:
        case = settled()
        case.request_payment((), KARL, NOW)
        with pytest.raises(StepMissing) as refused:
            case.complete(KARL, NOW)
        assert refused.value.step == "payment"

    def test_the_fee_stays_what_was_asked_for(self) -> None:
        case = settled()
        case.request_payment((), KARL, NOW)
        (application,) = case.applications
        with pytest.raises(FeeFixed):
            case.edit(application.application_id, draft("b", fee=0), 1, KARL, NOW)
        assert case.edit(application.application_id, draft("b"), 1, KARL, NOW)

    def test_the_signature_field_is_played_in_after_the_confirmation(self) -> None:
        case = taken()
        (application,) = case.applications
        case.edit(application.application_id, draft(), 0, KARL, NOW)
        with pytest.raises(StepMissing):
            case.show("signature", KARL, NOW)
        case.confirm(application.application_id, str(application.document_hash), NOW)
        case.show("signature", KARL, NOW)
        with pytest.raises(StepMissing):
            case.show("payment", KARL, NOW)
        case.show("talk", KARL, NOW)
        assert case.stage == "talk"

    def test_done_is_a_result_and_no_stage_to_choose(self) -> None:
        with pytest.raises(StepMissing):
            settled().show("done", KARL, NOW)


class TestWhoMayAct:
    def test_a_colleague_cannot_take_it_away_but_a_lead_can(self) -> None:
        case = taken()
        with pytest.raises(CaseTaken):
            case.take(ANNA, NOW)
        case.take(LEAD, NOW)
        assert case.clerk_id == LEAD.sub
        with pytest.raises(NotAssigned):
            case.show("identity", KARL, NOW)

    def test_the_citizen_waits_for_a_clerk_to_begin(self) -> None:
        case = new_case()
        with pytest.raises(StepMissing):
            case.confirm(case.applications[0].application_id, "0" * 64, NOW)

    def test_admitting_is_taking(self) -> None:
        case = new_case()
        case.admitted(ANNA.sub, NOW)
        case.admitted(KARL.sub, NOW)
        assert (case.clerk_id, case.state) == (ANNA.sub, "in_progress")

    def test_an_application_of_another_case_is_not_there(self) -> None:
        with pytest.raises(NotFound):
            taken().edit(uuid4(), draft(), 0, KARL, NOW)

    def test_overruling_a_failed_check_needs_a_reason(self) -> None:
        with pytest.raises(RecordInvalid):
            check(photo_matches=False)
        assert check(photo_matches=False, note="beard grown since; second document seen").outcome == "verified"

    def test_allowed_actions_are_what_the_rules_allow(self) -> None:
        case = settled()
        assert set(case.allowed_actions(KARL)) == {
            "stage:talk", "stage:identity", "stage:application", "stage:signature", "stage:payment",
            "identity_check", "edit", "payment_request", "abortion",
        }  # fmt: skip
        assert case.allowed_actions(ANNA) == []
        assert case.allowed_actions(LEAD) == ["assignment"]
        case.request_payment((), KARL, NOW)
        case.pay(report("authorised"), NOW)
        assert "completion" in case.allowed_actions(KARL)
        case.complete(KARL, NOW)
        assert case.allowed_actions(KARL) == ["package"]


class TestEndings:
    def test_completing_twice_is_completing_once(self) -> None:
        case = settled(fee=0)
        assert case.complete(KARL, NOW)
        facts = len(case.facts)
        assert not case.complete(KARL, NOW + timedelta(hours=1))
        assert (case.ended_at, len(case.facts)) == (NOW, facts)

    def test_a_closed_case_changes_no_more(self) -> None:
        case = taken()
        case.abort("citizen_absent", KARL, NOW)
        assert not case.abort("technical", KARL, NOW)
        assert case.abort_reason == "citizen_absent"
        for act in (
            lambda: case.show("talk", KARL, NOW),
            lambda: case.take(LEAD, NOW),
            lambda: case.complete(KARL, NOW),
        ):
            with pytest.raises(CaseClosed):
                act()
        assert not case.cancel("citizen", "citizen", NOW)

    def test_a_cancelled_appointment_ends_the_case_once(self) -> None:
        case = taken()
        assert case.cancel("office", "office", NOW)
        assert not case.cancel("office", "office", NOW)
        assert case.state == "cancelled"


class TestPayment:
    asked = Payment("requested", 1300)

    def test_reports_repeat(self) -> None:
        once = self.asked.after(report("authorised"))
        assert once.after(report("authorised")) == once

    def test_captured_may_overtake_authorised(self) -> None:
        captured = self.asked.after(report("captured", receipt_number="R-1"))
        assert captured.after(report("authorised")) == captured
        assert captured.after(report("voided")) == captured
        assert captured.receipt_number == "R-1"

    def test_a_late_failure_of_the_first_try_is_not_the_second_ones(self) -> None:
        second = self.asked.after(report("authorised", order=UUID(int=2), at=NOW + timedelta(minutes=2)))
        assert second.after(report("failed", order=UUID(int=1), at=NOW + timedelta(minutes=1))) == second
        assert second.after(report("voided", order=UUID(int=1), at=NOW + timedelta(minutes=9))) == second

    def test_after_a_failure_the_citizen_may_pay_again(self) -> None:
        failed = self.asked.after(report("failed"))
        again = failed.after(report("authorised", order=UUID(int=2), at=NOW + timedelta(minutes=1)))
        assert again.secures(1300)

    def test_other_money_is_not_this_fee(self) -> None:
        assert self.asked.after(report("authorised", amount=1)) == self.asked

    def test_nothing_is_paid_that_was_not_asked_for(self) -> None:
        assert Payment().after(report("authorised")) == Payment()


class TestPresence:
    def test_an_older_report_says_nothing(self) -> None:
        case = new_case()
        case.see("absent", NOW + timedelta(seconds=5))
        assert not case.see("waiting", NOW, since=NOW)
        assert case.presence == "absent"


class AnySequence(RuleBasedStateMachine):
    """Whatever clerks, citizens and the payment service do, in whatever order, the facts keep their order."""

    @initialize(services=st.integers(1, 2), fee=st.sampled_from([0, 1300]))
    def begin(self, services: int, fee: int) -> None:
        self.case, self.fee, self.paid_before = new_case(services=services), fee, False

    def attempt(self, act: Any) -> None:
        before = [(a.revision, a.document_hash, a.confirmed_at, a.signed_at) for a in self.case.applications]
        try:
            act()
        except Problem:
            after = [(a.revision, a.document_hash, a.confirmed_at, a.signed_at) for a in self.case.applications]
            assert before == after, "a refusal changes nothing"

    @rule(clerk=st.sampled_from([KARL, ANNA, LEAD]))
    def take(self, clerk: Clerk) -> None:
        self.attempt(lambda: self.case.take(clerk, NOW))

    @rule(outcome=st.sampled_from(["verified", "refused"]))
    def identify(self, outcome: Any) -> None:
        self.attempt(lambda: self.case.record_identity(check(outcome=outcome), KARL, NOW))

    @rule(which=st.integers(0, 1), content=st.sampled_from("abc"), complete=st.booleans(), revision=st.integers(0, 3))
    def edit(self, which: int, content: str, complete: bool, revision: int) -> None:
        application = self.case.applications[which % len(self.case.applications)]
        written = draft(content, self.fee, complete)
        changed = self.attempt_edit(application, written, revision)
        if changed:
            assert application.confirmed_at is None
            assert application.signed_at is None

    def attempt_edit(self, application: Application, written: Draft, revision: int) -> bool:
        try:
            return self.case.edit(application.application_id, written, revision, KARL, NOW)
        except Problem:
            return False

    @rule(which=st.integers(0, 1), content=st.sampled_from("abc"))
    def confirm(self, which: int, content: str) -> None:
        application = self.case.applications[which % len(self.case.applications)]
        self.attempt(lambda: self.case.confirm(application.application_id, content.rjust(64, "0"), NOW))

    @rule(which=st.integers(0, 1), content=st.sampled_from("abc"))
    def sign(self, which: int, content: str) -> None:
        application = self.case.applications[which % len(self.case.applications)]
        self.attempt(lambda: self.case.sign(application.application_id, signature(content.rjust(64, "0")), NOW))

    @rule(stage=st.sampled_from(["talk", "application", "signature", "payment", "done"]))
    def show(self, stage: Any) -> None:
        self.attempt(lambda: self.case.show(stage, KARL, NOW))

    @rule()
    def ask(self) -> None:
        self.attempt(lambda: self.case.request_payment((), KARL, NOW))

    @rule(
        state=st.sampled_from(["authorised", "captured", "failed", "voided"]), amount=st.sampled_from([1300, 2600, 5])
    )
    def report(self, state: str, amount: int) -> None:
        self.case.pay(report(state, amount), NOW)

    @rule()
    def complete(self) -> None:
        self.attempt(lambda: self.case.complete(KARL, NOW))

    @rule(steps=st.integers(1, 6))
    def go_on(self, steps: int) -> None:
        """What people mostly do, so that many sequences get far."""
        for _ in range(steps):
            self.usual_next_step()
            self.facts_are_in_order()

    def usual_next_step(self) -> None:
        case = self.case
        if case.clerk_id is None:
            return self.take(KARL)
        if case.identity_check is None:
            return self.identify("verified")
        for which, application in enumerate(case.applications):
            content = str(application.document_hash)[-1]
            match application.missing_step():
                case "application":
                    return self.edit(which, "a", True, application.revision)
                case "confirmation":
                    return self.confirm(which, content)
                case "signature":
                    return self.sign(which, content)
        if self.fee and case.payment.state == "none":
            return self.ask()
        if self.fee and case.payment.state == "requested":
            return self.report("authorised", case.payment.amount_cents)
        return self.complete()

    @invariant()
    def facts_are_in_order(self) -> None:
        for application in self.case.applications:
            if application.signed_at:
                assert application.confirmed_at
                assert application.signature
                assert application.signature.document_hash == application.document_hash
            if application.confirmed_at:
                assert application.document_hash
        event(self.case.state)
        if self.case.state == "completed":
            assert self.case.identity_check
            assert self.case.identity_check.outcome == "verified"
            assert all(application.signed_at for application in self.case.applications)
            assert self.fee == 0 or self.paid_before
        self.paid_before = self.case.payment.secures(self.fee * len(self.case.applications)) or (
            self.case.state == "completed"  # what happens to the money later does not undo the completion
        )


AnySequence.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnySequence = AnySequence.TestCase
