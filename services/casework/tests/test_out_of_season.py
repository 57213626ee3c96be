"""What comes when it is not its time: while nobody works on a case, after its end, after a move, at the same moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from casework.applications.model import Application, Draft
from casework.applications.signature import Signature
from casework.cases.booked import Booked, Person
from casework.cases.model import Case
from casework.consumers import apply
from casework.errors import StepMissing
from chassis.problems import Problem
from contracts.actors import Clerk
from contracts.base import Meta
from contracts.ids import AppointmentId, OfficeSlug
from contracts.signaling import CheckFinished

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HASH = "a".rjust(64, "0")
KARL = Clerk(sub=uuid4(), office="heidelberg", role="clerk", display_name="Karl Amt")


@pytest.fixture
def case() -> Case:
    """A case that a clerk has taken and whose application is written, not read yet."""
    case = Case(
        case_id=uuid4(),
        office="heidelberg",
        appointment_id=uuid4(),
        reference="HD-000001",
        starts_at=NOW,
        ends_at=NOW + timedelta(minutes=15),
        language="de",
        link_generation=1,
        person=Person("Ayşe Öztürk", "ayse@example.org"),
        applications=[Application(uuid4(), "test", needs_identity=True, needs_signature=True)],
    )
    case.take(KARL, NOW)
    content = {"content": "a"}
    case.edit(case.applications[0].application_id, Draft(content, (), content, HASH, 1300), 0, KARL, NOW)
    return case


def moved(generation: int = 2) -> Booked:
    """The same, a day later."""
    starts_at = NOW + timedelta(days=1)
    person = Person("Ayşe Öztürk", "ayse@example.org")
    return Booked("HD-000001", starts_at, starts_at + timedelta(minutes=15), generation, person, (), 0)


def check_of(case: Case) -> CheckFinished:
    """The citizen has tried their devices."""
    return CheckFinished.model_validate(
        {
            "office": OfficeSlug(case.office),
            "appointment_id": AppointmentId(case.appointment_id),
            "outcome": "good",
            "camera": True,
            "microphone": True,
            "network": True,
            "at": NOW,
        }
    )


class TestWhileNobodyWorksOnIt:
    """The clerk reads along while the citizen confirms and signs; without one there is nobody to answer."""

    def test_nothing_is_confirmed(self, case: Case) -> None:
        case.move(moved(), "office", "system", NOW)
        with pytest.raises(StepMissing) as refused:
            case.confirm(case.applications[0].application_id, HASH, NOW)
        assert refused.value.step == "assignment"
        assert case.applications[0].confirmed_at is None

    def test_nothing_is_signed(self, case: Case) -> None:
        application = case.applications[0]
        case.confirm(application.application_id, HASH, NOW)
        case.move(moved(), "office", "system", NOW)
        with pytest.raises(StepMissing):
            case.sign(application.application_id, Signature(HASH, "typed", "keyboard", 0, 0, (), "Ayşe"), NOW)
        assert application.signed_at is None


class TestAfterTheEnd:
    @pytest.mark.parametrize(
        "end",
        [
            lambda case: case.cancel("citizen", "citizen", NOW),
            lambda case: case.abort("technical", KARL, NOW),
            lambda case: case.miss("system", NOW),
        ],
    )
    def test_letting_in_opens_nothing_again(self, case: Case, end: Callable[[Case], object]) -> None:
        case.clerk_id = KARL.sub
        end(case)
        case.clerk_id = None
        ended = case.state
        case.admitted(KARL.sub, NOW)
        assert (case.state, case.clerk_id) == (ended, None)
        assert "case_taken" not in [fact.action for fact in case.facts][-2:]
        with pytest.raises(Problem):
            case.take(KARL, NOW)

    def test_an_erased_case_is_not_moved_and_nobody_is_in_it_again(self, case: Case) -> None:
        assert case.forget(NOW)
        before = replace(case, facts=[])
        assert not case.move(moved(), "citizen", "citizen", NOW)
        assert not case.readdress(moved(), "citizen", "citizen", NOW)
        assert case.person is None
        assert replace(case, facts=[]) == before

    def test_what_the_devices_could_do_goes_with_the_person(self, case: Case) -> None:
        meta = Meta.of(check_of(case), now=NOW)
        apply(case, check_of(case), meta)
        assert case.technical_check is not None
        case.forget(NOW)
        assert case.technical_check is None
        apply(case, check_of(case), meta)
        assert case.technical_check is None, "news that come late bring nothing back"


class TestPresence:
    def test_after_a_move_nobody_is_there(self, case: Case) -> None:
        case.see("waiting", NOW, since=NOW)
        case.move(moved(), "citizen", "citizen", NOW + timedelta(minutes=1))
        assert (case.presence, case.waiting_since) == ("absent", None)

    def test_what_was_so_before_the_move_is_not_so_after_it(self, case: Case) -> None:
        case.move(moved(), "citizen", "citizen", NOW + timedelta(minutes=1))
        assert not case.see("waiting", NOW, since=NOW)
        assert case.presence == "absent"

    def test_a_move_that_is_heard_late_does_not_make_older_news_good(self, case: Case) -> None:
        case.see("waiting", NOW + timedelta(minutes=5), since=NOW)
        case.move(moved(), "citizen", "citizen", NOW)
        assert case.presence == "absent"
        assert not case.see("waiting", NOW + timedelta(minutes=4), since=NOW)

    def test_of_two_reports_of_the_same_moment_the_one_heard_last_holds(self, case: Case) -> None:
        case.see("waiting", NOW, since=NOW)
        assert case.see("absent", NOW)
        assert (case.presence, case.waiting_since) == ("absent", None)

    def test_only_who_waits_has_waited_since(self, case: Case) -> None:
        case.see("waiting", NOW, since=NOW)
        case.see("in_call", NOW + timedelta(seconds=1), since=NOW)
        assert case.waiting_since is None


def test_who_is_let_in_is_in_the_hands_of_whoever_did_it(case: Case) -> None:
    other = UUID(int=7)
    case.admitted(other, NOW)
    assert case.clerk_id == KARL.sub, "somebody had it already"
    case.move(moved(), "office", "system", NOW)
    case.admitted(other, NOW)
    assert (case.clerk_id, case.state) == (other, "in_progress")
