"""The bus door: every event twice with one effect, and events that overtake each other."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.consumer import Poison
from contracts.base import Event, Meta
from contracts.casework import CaseAborted, CaseCompleted, PaymentRequested
from contracts.topology import CONSUMES
from payment import consumers


async def test_every_sample_twice_has_one_effect(
    desk: Any, simulator: Any, samples: Mapping[str, tuple[Meta, Event]]
) -> None:
    kinds = CONSUMES["payment"]
    assert {c.event for c in consumers.consumers(desk.settlement.offices, "paypal", desk.clock)} == set(kinds)
    for kind in sorted(kinds, key=lambda kind: kind is not PaymentRequested):
        meta, event = samples[kind.SUBJECT]
        effects = [await desk.hear(event, meta) for _ in range(2)]
        assert effects == [True, False], kind.SUBJECT
    _, event = samples[PaymentRequested.SUBJECT]
    assert isinstance(event, PaymentRequested)
    orders = await desk.rows("SELECT state, aim FROM payment_order WHERE appointment_id = :id", id=event.appointment_id)
    assert len(orders) == 1


async def test_a_second_request_is_the_same_order(desk: Any, case: Any) -> None:
    await desk.hear(case.requested())
    await desk.hear(case.requested())
    orders = await desk.rows("SELECT * FROM payment_order WHERE case_id = :id", id=case.case_id)
    assert [(o["state"], o["amount_cents"], o["office"]) for o in orders] == [("requested", 1300, "heidelberg")]


async def test_simultaneous_requests_are_one_order(desk: Any, case: Any) -> None:
    await asyncio.gather(*(desk.hear(case.requested()) for _ in range(6)))
    assert len(await desk.rows("SELECT 1 FROM payment_order WHERE case_id = :id", id=case.case_id)) == 1


async def test_another_amount_replaces_the_order_and_gives_the_old_reservation_back(
    desk: Any, simulator: Any, case: Any
) -> None:
    old = await desk.authorised(simulator, case)
    await desk.hear(case.requested(1700))
    await desk.settle()
    assert simulator.authorization_status(old) == "VOIDED"
    new = await desk.settlement.start_approval(case.citizen)
    assert (new.amount_cents, new.id != old.id) == (1700, True)
    assert await desk.told(case) == ["authorised"]


@pytest.mark.parametrize("said", ["completed", "aborted", "cancelled", "missed"])
async def test_what_another_office_says_of_our_case_takes_and_gives_back_nothing(
    desk: Any, simulator: Any, case: Any, said: str
) -> None:
    order = await desk.authorised(simulator, case)
    await desk.hear(getattr(replace(case, office="demo"), said)())
    await desk.settle()
    assert (simulator.captures(order), simulator.authorization_status(order)) == (0, "CREATED")
    assert await desk.told(case) == ["authorised"]


async def test_an_older_request_that_comes_late_changes_nothing(desk: Any, case: Any) -> None:
    await desk.hear(case.requested(1700))
    old = case.requested(1300)
    await desk.hear(old, Meta.of(old, now=desk.clock() - timedelta(minutes=5)))
    orders = await desk.rows("SELECT amount_cents FROM payment_order WHERE case_id = :id", id=case.case_id)
    assert [o["amount_cents"] for o in orders] == [1700]


@pytest.mark.parametrize("end", ["aborted", "cancelled", "missed"])
async def test_what_ends_before_it_was_requested_opens_nothing(desk: Any, case: Any, end: str) -> None:
    await desk.hear(getattr(case, end)())
    await desk.hear(case.requested())
    assert await desk.rows("SELECT 1 FROM payment_order WHERE case_id = :id", id=case.case_id) == []


@pytest.mark.parametrize("end", ["aborted", "cancelled", "missed"])
async def test_a_request_and_its_end_at_the_same_time_leave_nothing_to_pay(desk: Any, case: Any, end: str) -> None:
    await asyncio.gather(desk.hear(case.requested()), desk.hear(getattr(case, end)()))
    orders = await desk.rows("SELECT state FROM payment_order WHERE case_id = :id", id=case.case_id)
    assert [o["state"] for o in orders] in ([], ["voided"])


async def test_a_completed_case_is_paid_for(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.authorised(simulator, case)
    for _ in range(2):
        await desk.hear(case.completed())
        await desk.settle()
    assert await desk.told(case) == ["authorised", "captured"]
    assert simulator.captures(order) == 1


@pytest.mark.parametrize("end", ["aborted", "cancelled", "missed"])
async def test_a_case_without_result_gives_the_money_back(desk: Any, simulator: Any, case: Any, end: str) -> None:
    order = await desk.authorised(simulator, case)
    await desk.hear(getattr(case, end)())
    await desk.settle()
    assert simulator.authorization_status(order) == "VOIDED"
    assert await desk.told(case) == ["authorised", "voided"]


@pytest.mark.parametrize("order", [("missed", "resumed"), ("resumed", "missed")])
async def test_who_came_after_all_pays_in_whatever_order_it_is_told(
    desk: Any, case: Any, order: tuple[str, str]
) -> None:
    for told in order:
        await desk.hear(getattr(case, told)())
    await desk.hear(case.requested())
    assert await desk.rows("SELECT state FROM payment_order WHERE case_id = :id", id=case.case_id) == [
        {"state": "requested"}
    ]


async def test_missed_once_more_after_coming_back_opens_nothing(desk: Any, case: Any) -> None:
    again = case.missed().model_copy(update={"marked_at": datetime(2026, 6, 2, 8, 30, tzinfo=UTC)})
    for event in (case.missed(), again, case.resumed()):
        await desk.hear(event)
    await desk.hear(case.requested())
    assert await desk.rows("SELECT 1 FROM payment_order WHERE case_id = :id", id=case.case_id) == []


async def test_a_cancelled_appointment_is_not_paid_for_by_coming_back(desk: Any, case: Any) -> None:
    for event in (case.cancelled(), case.resumed(), case.requested()):
        await desk.hear(event)
    assert await desk.rows("SELECT 1 FROM payment_order WHERE case_id = :id", id=case.case_id) == []


async def test_who_came_to_another_office_still_did_not_come_to_ours(desk: Any, case: Any) -> None:
    for event in (case.missed(), replace(case, office="demo").resumed(), case.requested()):
        await desk.hear(event)
    assert await desk.rows("SELECT 1 FROM payment_order WHERE case_id = :id", id=case.case_id) == []


async def test_what_is_being_given_back_for_a_no_show_is_asked_for_anew(desk: Any, simulator: Any, case: Any) -> None:
    await desk.authorised(simulator, case)
    for event in (case.missed(), case.resumed()):
        await desk.hear(event)
    again = case.requested()
    await desk.hear(again, Meta.of(again, now=desk.clock() + timedelta(minutes=5)))
    await desk.settle()
    orders = await desk.rows(
        "SELECT state, superseded FROM payment_order WHERE case_id = :id ORDER BY created_at", id=case.case_id
    )
    assert [(o["state"], o["superseded"]) for o in orders] == [("voided", True), ("requested", False)]
    assert await desk.told(case) == ["authorised"], "nobody waits for news of the first one"


async def test_completed_wins_over_a_late_abortion(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.authorised(simulator, case)
    await desk.hear(case.completed())
    await desk.hear(case.aborted())
    await desk.settle()
    assert simulator.captures(order) == 1
    assert await desk.told(case) == ["authorised", "captured"]


async def test_a_free_case_needs_no_order(desk: Any, case: Any) -> None:
    assert await desk.hear(case.completed(amount_cents=0))
    assert await desk.told(case) == []


async def test_never_more_is_taken_than_the_case_costs(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.authorised(simulator, case)
    await desk.hear(case.completed(amount_cents=900))
    await desk.settle()
    assert simulator.captures(order) == 0
    assert await desk.told(case) == ["authorised"]


async def test_what_can_never_be_right_is_poison(desk: Any, case: Any) -> None:
    wrong = case.requested().model_copy(update={"amount_cents": 5})
    for event in (wrong, replace(case, office="nowhere").requested()):
        with pytest.raises(Poison):
            await desk.hear(event)
    for event in (case.completed(), case.aborted()):
        assert isinstance(event, CaseCompleted | CaseAborted)
        with pytest.raises(Poison):
            await desk.hear(event.model_copy(update={"office": "nowhere"}))
