"""What every act leaves in the audit trail, whether clients read the case anew, and what doing it again does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from casework.applications.model import Application, Draft
from casework.applications.signature import Signature
from casework.cases.booked import Booked, Person
from casework.cases.facts import written
from casework.cases.identity import IdentityCheck
from casework.cases.model import Case
from casework.cases.payment import Payment
from casework.errors import CaseClosed, CitizenHere, NotAssigned, StepMissing
from contracts.actors import Clerk

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)
KARL = Clerk(sub=UUID(int=1), office="heidelberg", role="clerk", display_name="Karl Amt")
ANNA = Clerk(sub=UUID(int=2), office="heidelberg", role="clerk", display_name="Anna Amt")
APPLICATION, HASH = UUID(int=3), "a" * 64
PERSON = Person("Ayşe Öztürk", "ayse@example.org")
DRAFT = Draft({"content": "a"}, (), {"content": "a"}, HASH, 1300)
CHECK = IdentityCheck("passport", True, True, True, True, "verified", "", KARL.sub, NOW)
SIGNATURE = Signature(HASH, "typed", "keyboard", 0, 0, (), "Ayşe Öztürk")
BOOKED = Booked("HD-000002", LATER, LATER + timedelta(minutes=15), 2, PERSON, ("interpreter",))
PAID = Payment("authorised", 1300, order_id=UUID(int=4), provider="paypal", at=NOW)


def new_case(*, needs_signature: bool = True) -> Case:
    return Case(
        case_id=uuid4(),
        office="heidelberg",
        appointment_id=uuid4(),
        reference="HD-000001",
        starts_at=NOW,
        ends_at=NOW + timedelta(minutes=15),
        language="de",
        link_generation=1,
        person=PERSON,
        applications=[Application(APPLICATION, "test", True, needs_signature)],
    )


def edit(case: Case) -> bool:
    return case.edit(APPLICATION, DRAFT, 0, KARL, NOW)


def confirm(case: Case) -> bool:
    return case.confirm(APPLICATION, HASH, NOW)


def sign(case: Case) -> bool:
    return case.sign(APPLICATION, SIGNATURE, NOW)


ACTS: dict[str, Callable[[Case], object]] = {
    "take": lambda case: case.take(KARL, NOW),
    "identify": lambda case: case.record_identity(CHECK, KARL, NOW),
    "edit": edit,
    "confirm": confirm,
    "sign": sign,
    "show": lambda case: case.show("signature", KARL, NOW),
    "ask": lambda case: case.request_payment(({"a": 1},), KARL, NOW),
    "pay": lambda case: case.pay(PAID, NOW),
    "complete": lambda case: case.complete(KARL, NOW),
    "abort": lambda case: case.abort("other", KARL, NOW),
    "move": lambda case: case.move(BOOKED, "citizen", "citizen", NOW),
    "readdress": lambda case: case.readdress(replace(BOOKED, contact_revision=1), "citizen", "citizen", NOW),
    "cancel": lambda case: case.cancel("office", "clerk:1", NOW),
    "miss": lambda case: case.miss("system", NOW),
    "resume": lambda case: case.resume("clerk:1", NOW),
    "forget": lambda case: case.forget(NOW),
    "admit": lambda case: case.admitted(KARL.sub, NOW),
}
SETTLED = ["take", "identify", "edit", "confirm", "sign"]
MEANT = {"application_id": str(APPLICATION), "document_hash": HASH}
MOVED = {"by": "citizen", "before": written(NOW), "after": written(LATER)}
#: What was done before, what is done, and what it leaves: (who, what, details). Doing it again leaves nothing.
TOLD: list[tuple[list[str], str, tuple[str, str, dict[str, str]]]] = [
    ([], "take", (KARL.name, "case_taken", {})),
    (["take"], "identify", (KARL.name, "identity_checked", {"document_type": "passport", "outcome": "verified"})),
    (["take"], "edit", (KARL.name, "application_saved", MEANT)),
    (["take", "edit"], "confirm", ("citizen", "application_confirmed", MEANT)),
    (["take", "edit", "confirm"], "sign", ("citizen", "application_signed", {"method": "typed", **MEANT})),
    (["take", "edit", "confirm"], "show", (KARL.name, "stage_shown", {"stage": "signature"})),
    (SETTLED, "ask", (KARL.name, "payment_requested", {"amount_cents": "1300"})),
    ([*SETTLED, "ask"], "pay", ("system", "payment_authorised", {"provider": "paypal"})),
    ([*SETTLED, "ask", "pay"], "complete", (KARL.name, "case_completed", {})),
    (["take"], "abort", (KARL.name, "case_aborted", {"reason": "other"})),
    (["take"], "move", ("citizen", "appointment_moved", MOVED)),
    (["take"], "cancel", ("clerk:1", "appointment_cancelled", {"by": "office"})),
    ([], "miss", ("system", "case_aborted", {"reason": "citizen_absent"})),
    (["miss"], "resume", ("clerk:1", "case_resumed", {})),
]


@pytest.mark.parametrize(("before", "act", "told"), TOLD, ids=[act for _, act, _ in TOLD])
def test_it_is_told_once_by_whom_and_everybody_reads_the_case_anew(
    before: list[str], act: str, told: tuple[str, str, dict[str, str]]
) -> None:
    case = new_case()
    for each in before:
        ACTS[each](case)
    facts, revision = len(case.facts), case.revision
    first, again = ACTS[act](case), ACTS[act](case)
    assert (first, again) in ((None, None), (True, False))
    (fact,) = case.facts[facts:]
    assert (fact.at, fact.actor, fact.action, fact.detail) == (NOW, *told)
    assert case.revision == revision + 1


def test_a_new_case_begins_with_nothing() -> None:
    case = new_case()
    (application,) = case.applications
    assert (case.state, case.stage, case.revision, case.contact_revision) == ("open", "talk", 1, 0)
    assert (case.presence, case.mail, case.fee_cents, case.payment.amount_cents) == ("absent", "pending", 0, 0)
    assert (case.closed, case.erased) == (False, False)
    assert (application.person, application.persons, application.revision, application.erased) == (None, 1, 0, False)


@pytest.mark.parametrize("act", ["identify", "edit", "show", "ask", "complete", "abort"])
def test_nobody_works_on_a_colleagues_case(act: str) -> None:
    case = new_case()
    for each in SETTLED:
        ACTS[each](case)
    case.clerk_id = ANNA.sub
    facts = list(case.facts)
    with pytest.raises(NotAssigned):
        ACTS[act](case)
    assert case.facts == facts


@pytest.mark.parametrize("act", [confirm, sign])
def test_a_citizen_acts_while_a_clerk_is_at_work_and_the_case_is_not_over(act: Callable[[Case], bool]) -> None:
    case = new_case()
    for each in ("take", "edit", "confirm"):
        ACTS[each](case)
    case.state = "open"
    with pytest.raises(StepMissing) as refused:
        act(case)
    assert refused.value.step == "assignment"
    case.state = "cancelled"
    with pytest.raises(CaseClosed):
        act(case)


def test_what_needs_no_signature_is_not_signed() -> None:
    case = new_case(needs_signature=False)
    for each in ("take", "edit", "confirm"):
        ACTS[each](case)
    facts = list(case.facts)
    assert not sign(case)
    assert (case.applications[0].signature, case.facts) == (None, facts)


def test_the_first_signature_stands() -> None:
    case = new_case()
    for each in ("take", "edit", "confirm", "sign"):
        ACTS[each](case)
    assert not case.sign(APPLICATION, replace(SIGNATURE, text="Somebody else"), LATER)
    assert (case.applications[0].signature, case.applications[0].signed_at) == (SIGNATURE, NOW)


@pytest.mark.parametrize(("presence", "refused"), [("waiting", True), ("in_call", True), ("absent", False)])
def test_only_of_who_is_away_it_is_said_that_they_did_not_come(presence: Any, refused: bool) -> None:
    case = new_case()
    case.take(KARL, NOW)
    case.see(presence, NOW)
    if refused:
        with pytest.raises(CitizenHere):
            case.abort("citizen_absent", KARL, NOW)
        assert case.abort("other", KARL, NOW), "for another reason it can end all the same"
    else:
        assert case.abort("citizen_absent", KARL, NOW)


@pytest.mark.parametrize(("at", "goes_on"), [(EARLIER, False), (NOW, True), (LATER, True)])
@pytest.mark.parametrize("who", ["clerk", "booking"])
def test_of_words_about_absence_the_latest_holds(who: str, at: datetime, goes_on: bool) -> None:
    case = new_case()
    case.take(KARL, EARLIER)
    if who == "clerk":
        case.abort("citizen_absent", KARL, NOW)
    else:
        assert case.miss("system", NOW)
    assert case.resume("clerk:1", at) == goes_on
    assert case.state == ("in_progress" if goes_on else "aborted")
    assert (case.ended_at, case.abort_reason) == ((None, None) if goes_on else (NOW, "citizen_absent"))


@pytest.mark.parametrize(("before", "ends"), [(["take", "abort"], False), (["cancel"], False), ([], True)])
def test_who_did_not_come_ends_no_case_that_has_ended(before: list[str], ends: bool) -> None:
    case = new_case()
    for each in before:
        ACTS[each](case)
    assert case.miss("system", LATER) == ends
    assert case.abort_reason == ("citizen_absent" if ends else "other" if "abort" in before else None)


def test_whoever_talks_was_not_missed() -> None:
    case = new_case()
    case.see("in_call", NOW)
    assert not case.miss("system", LATER)
    assert case.resume("clerk:1", NOW) is False
    assert case.state == "open"


def test_letting_in_takes_the_case_of_nobody_and_is_told_in_any_case() -> None:
    case = new_case()
    for taken in (["case_taken"], []):
        facts = len(case.facts)
        ACTS["admit"](case)
        assert [fact.action for fact in case.facts[facts:]] == [*taken, "citizen_admitted"]
    assert (case.clerk_id, case.state, case.revision) == (KARL.sub, "in_progress", 2)
    case.cancel("office", "clerk:1", NOW)
    case.clerk_id = None
    ACTS["admit"](case)
    assert (case.clerk_id, case.state) == (None, "cancelled")


def test_a_move_keeps_what_was_done_but_for_whom_and_shows_the_newest_link() -> None:
    case = new_case()
    for each in SETTLED:
        ACTS[each](case)
    case.see("waiting", LATER, LATER)
    assert case.move(BOOKED, "office", "clerk:1", NOW)
    assert (case.state, case.stage, case.clerk_id, case.mail, case.moved_at) == ("open", "talk", None, "pending", NOW)
    assert (case.reference, case.starts_at, case.link_generation, case.needs) == (
        "HD-000002",
        LATER,
        2,
        ("interpreter",),
    )
    assert (case.presence, case.presence_at, case.waiting_since) == ("absent", LATER, None)
    assert case.applications[0].signed_at == NOW


def test_of_a_case_that_is_over_a_move_changes_the_link_alone() -> None:
    case = new_case()
    for each in ("take", "abort"):
        ACTS[each](case)
    case.mail = "delivered"
    assert case.move(BOOKED, "office", "clerk:1", NOW)
    assert (case.state, case.clerk_id, case.mail, case.link_generation) == ("aborted", KARL.sub, "delivered", 2)


@pytest.mark.parametrize(
    ("generation", "revision", "is_news"), [(1, 0, False), (2, 1, False), (2, 2, True), (2, 3, True), (3, 0, True)]
)
def test_the_latest_address_is_the_one_of_the_newest_link_and_revision(
    generation: int, revision: int, is_news: bool
) -> None:
    case = new_case()
    case.move(replace(BOOKED, contact_revision=0), "citizen", "citizen", NOW)
    case.contact_revision = 2
    case.told("rescheduled", "delivered", NOW)
    told = replace(
        BOOKED, link_generation=generation, contact_revision=revision, person=Person("Ayşe", "new@example.org")
    )
    facts, shown = len(case.facts), case.revision
    assert case.readdress(told, "office", "clerk:1", LATER) == is_news
    assert case.revision == shown + is_news
    assert (case.person == told.person, len(case.facts) == facts + 1) == (is_news, is_news)
    assert case.mail == ("pending" if is_news else "delivered")
    if is_news:
        assert case.facts[-1].detail == {"by": "office"}
        assert (case.link_generation, case.contact_revision, case.moved_at) == (generation, revision, LATER)


def test_an_address_that_comes_with_another_time_moves_the_case_as_well() -> None:
    case = new_case()
    case.take(KARL, NOW)
    assert case.readdress(BOOKED, "citizen", "citizen", NOW)
    assert (case.starts_at, case.clerk_id) == (LATER, None)
    case.take(KARL, NOW)
    assert case.readdress(replace(BOOKED, contact_revision=1), "citizen", "citizen", NOW)
    assert case.clerk_id == KARL.sub, "the time is the same"


@pytest.mark.parametrize("completed", [False, True])
def test_whoever_is_forgotten_is_so_once_unless_the_office_has_to_keep_it(completed: bool) -> None:
    case = new_case()
    for each in [*SETTLED, "ask", "pay", "complete"] if completed else SETTLED:
        ACTS[each](case)
    case.see("waiting", NOW, NOW)
    revision = case.revision
    assert case.forget(LATER) is not completed
    assert case.revision == revision + (0 if completed else 2), "it is cancelled as well"
    assert case.forget(LATER) is False
    assert case.facts[-1].action == ("erasure_deferred" if completed else "data_erased")
    assert (case.erased, case.person is None, case.identity_check is None) == (not completed,) * 3
    assert (case.presence, case.waiting_since) == (("waiting", NOW) if completed else ("absent", None))
    assert case.applications[0].erased is not completed
    assert case.see("waiting", LATER) is completed
    assert case.move(BOOKED, "citizen", "citizen", LATER) is completed


def test_of_reports_about_presence_the_latest_holds() -> None:
    case = new_case()
    assert case.see("waiting", NOW, EARLIER)
    assert not case.see("absent", EARLIER)
    assert (case.presence, case.waiting_since) == ("waiting", EARLIER)
    assert case.see("in_call", NOW, EARLIER), "two at the same moment: the one that comes last"
    assert (case.presence, case.waiting_since) == ("in_call", None)


@pytest.mark.parametrize(
    ("kind", "at", "mail"),
    [
        ("confirmation", EARLIER, "pending"),
        ("confirmation", NOW, "failed"),
        ("rescheduled", LATER, "failed"),
        ("receipt", LATER, "pending"),
    ],
)
def test_the_agenda_shows_what_became_of_the_newest_link(kind: str, at: datetime, mail: str) -> None:
    case = new_case()
    case.move(BOOKED, "citizen", "citizen", NOW)
    revision = case.revision
    case.told(kind, "failed", at)
    assert case.mail == mail
    assert (case.facts[-1].action, case.facts[-1].detail, case.revision) == ("mail_failed", {"kind": kind}, revision)
    facts = len(case.facts)
    case.told(kind, "delivered", at)
    assert (case.mail == "delivered", len(case.facts)) == (mail == "failed", facts), "what succeeds is no news"
