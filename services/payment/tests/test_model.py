"""The rules of an order, whatever comes in whatever order."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.casework import PaymentItem
from contracts.ids import AppointmentId, CaseId, OrderId
from contracts.text import Localised
from payment.model import (
    LIVE,
    Fact,
    Order,
    Phase,
    Snapshot,
    aimed,
    next_act,
    observe,
    receipt_number,
    released,
    successor,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ORDER = Order(
    id=OrderId(UUID(int=1)),
    office="heidelberg",
    appointment_id=AppointmentId(UUID(int=2)),
    case_id=CaseId(UUID(int=3)),
    reference="HD-7K3M9Q",
    amount_cents=1300,
    currency="EUR",
    items=(
        PaymentItem(service_id="fuehrungszeugnis", text=Localised(de="Zeugnis", en="Certificate"), amount_cents=1300),
    ),
    language="de",
    provider="paypal",
    requested_at=NOW,
    state="approval_pending",
    provider_order_id="P1",
)


def books(phase: Phase, cents: int = 1300, refunded: int = 0) -> Snapshot:
    return Snapshot(phase, cents, "EUR", authorization_id="A1", capture_id=None, refunded_cents=refunded)


#: A busy machine is no reason to fail.
steady = settings(deadline=None)
PHASES: tuple[Phase, ...] = (
    "created", "approved", "pending", "authorised", "captured", "declined", "expired", "voided", "missing",
)  # fmt: skip
snapshots = st.builds(
    books, st.sampled_from(PHASES), st.sampled_from([1300, 1300, 1300, 1, 99900]), st.sampled_from([0, 500, 1300])
)
orders = st.builds(
    lambda aim, state: replace(ORDER, aim=aim, state=state),
    st.sampled_from(["reserve", "take", "release"]),
    st.sampled_from(["requested", "approval_pending", "authorised"]),
)


def run(order: Order, seen: list[Snapshot]) -> tuple[Order, list[Fact]]:
    facts: list[Fact] = []
    for snapshot in seen:
        order, new = observe(order, snapshot)
        facts.extend(new)
    return order, facts


def test_the_ordinary_way() -> None:
    order, facts = run(ORDER, [books("created"), books("approved"), books("authorised")])
    assert (order.state, facts) == ("authorised", ["authorised"])
    order, facts = run(aimed(order, "take"), [books("authorised"), books("captured"), books("captured", refunded=500)])
    assert (order.state, facts, order.refunded_cents) == ("captured", ["captured", "refunded"], 500)


def test_a_provider_that_says_nothing_of_money_given_back_has_given_none_back() -> None:
    order, facts = run(ORDER, [Snapshot("captured", 1300, "EUR")])
    assert (facts, order.refunded_cents) == (["authorised", "captured"], 0)


def test_refunded_before_captured_before_authorised_is_still_a_payment() -> None:
    order, facts = run(ORDER, [books("captured", refunded=1300), books("captured"), books("authorised")])
    assert (order.state, order.refunded_cents) == ("captured", 1300)
    assert facts == ["authorised", "captured", "refunded"]


@steady
@given(orders, st.lists(snapshots, max_size=12))
def test_money_taken_is_never_untaken(order: Order, seen: list[Snapshot]) -> None:
    taken = False
    for snapshot in seen:
        order, _ = observe(order, snapshot)
        taken |= snapshot.phase == "captured" and snapshot.amount_cents == 1300
        assert (order.state == "captured") == taken


@steady
@given(orders, st.lists(snapshots, max_size=12))
def test_every_fact_is_told_once_and_in_order(order: Order, seen: list[Snapshot]) -> None:
    _, told = run(order, seen)
    facts = [fact for fact in told if fact != "refunded"]  # which may happen again, of what was captured
    assert len(facts) == len(set(facts))
    if "captured" in facts:
        assert facts[-1] == "captured"
    if "refunded" in told and order.state != "captured":
        assert told.index("refunded") > told.index("captured")
    if "captured" in facts:
        assert {"authorised", "failed", "voided"} & set(facts) or order.state == "authorised"


@steady
@given(orders, st.lists(snapshots, max_size=8))
def test_repeating_a_snapshot_changes_nothing(order: Order, seen: list[Snapshot]) -> None:
    for snapshot in seen:
        order, _ = observe(order, snapshot)
        assert observe(order, snapshot) == (order, ())


@steady
@given(st.permutations([books("created"), books("approved"), books("authorised"), books("captured", refunded=500)]))
def test_the_end_does_not_depend_on_the_order_of_news(seen: list[Snapshot]) -> None:
    order, facts = run(ORDER, seen)
    assert (order.state, order.refunded_cents) == ("captured", 500)
    assert facts == ["authorised", "captured", "refunded"]


@steady
@given(orders, st.lists(snapshots, max_size=8), snapshots)
def test_only_the_sum_that_was_asked_for_counts(order: Order, seen: list[Snapshot], last: Snapshot) -> None:
    order, _ = run(order, seen)
    after, facts = observe(order, replace(last, amount_cents=1299))
    assert after.state == order.state or after.state in ("failed", "voided")
    assert not {"authorised", "captured"} & set(facts)


@steady
@given(orders, st.lists(snapshots, max_size=8))
def test_a_dead_order_keeps_no_reservation(order: Order, seen: list[Snapshot]) -> None:
    order, _ = run(order, seen)
    if order.state not in LIVE and order.state != "captured":
        assert next_act(order, books("authorised")) == "void"
        assert next_act(order, books("approved")) is None


@pytest.mark.parametrize(
    ("aim", "phase", "act"),
    [
        ("reserve", "created", None),
        ("reserve", "approved", "authorise"),
        ("reserve", "authorised", None),
        ("take", "approved", "authorise"),
        ("take", "authorised", "capture"),
        ("take", "captured", None),
        ("release", "approved", None),
        ("release", "authorised", "void"),
        ("release", "voided", None),
        ("take", "pending", None),
    ],
)
def test_what_is_asked_of_the_provider(aim: str, phase: Phase, act: str | None) -> None:
    assert next_act(replace(ORDER, aim=aim), books(phase)) == act  # type: ignore[arg-type]


def test_a_wrong_sum_is_given_back_and_never_taken() -> None:
    order, facts = observe(aimed(ORDER, "take"), books("authorised", 99900))
    assert (order.state, order.reason, facts) == ("failed", "amount_mismatch", ("failed",))
    assert next_act(order, books("authorised", 99900)) == "void"
    foreign = replace(books("authorised"), currency="USD")
    assert observe(ORDER, foreign)[0].reason == "amount_mismatch"


@pytest.mark.parametrize(
    ("phase", "state", "reason"),
    [
        ("declined", "failed", "declined"),
        ("expired", "failed", "expired"),
        ("missing", "failed", "expired"),
        ("voided", "voided", None),
    ],
)
def test_how_an_order_ends_without_money(phase: Phase, state: str, reason: str | None) -> None:
    order, facts = observe(ORDER, books(phase))
    assert (order.state, order.reason, facts) == (state, reason, (state,))


def test_the_first_decision_stands() -> None:
    assert aimed(aimed(ORDER, "take"), "release").aim == "take"
    assert aimed(aimed(ORDER, "release"), "take").aim == "release"


def test_giving_up() -> None:
    assert released(replace(ORDER, state="requested"))[1] == ("voided",)
    order, facts = released(ORDER)
    assert (order.state, order.aim, facts) == ("approval_pending", "release", ())
    assert observe(order, books("created"))[0].state == "voided"
    taken = aimed(ORDER, "take")
    assert released(taken) == (taken, ())


def test_an_old_reading_does_not_void_what_is_reserved_since() -> None:
    order, _ = released(replace(ORDER, state="authorised"))
    assert observe(order, books("created")) == (replace(order, authorization_id="A1"), ())


def test_a_second_try_asks_for_the_same_money() -> None:
    failed, _ = observe(ORDER, books("declined"))
    again = successor(failed, UUID(int=9), NOW)
    assert (again.id, again.state, again.aim, again.reason) == (UUID(int=9), "requested", "reserve", None)
    assert (again.amount_cents, again.items, again.case_id) == (ORDER.amount_cents, ORDER.items, ORDER.case_id)
    assert again.provider_order_id is again.authorization_id is None


def test_receipt_numbers_can_be_read_aloud() -> None:
    assert receipt_number("HD", 2026, 42) == "HD-2026-000042"
