"""What Prometheus is told of money follows the provider's real answers, and nothing is counted twice."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from payment import metrics, store
from payment.errors import ProviderUnavailable
from payment.model import LIVE
from payment.workers import watch_once


def told(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(f"schalter_payment_{name}", labels)
    assert value is not None, "it is there from the start"
    return value


@pytest.fixture(autouse=True)
def counted(desk: Any, offices: Any) -> None:
    metrics.begin_at_zero(offices)
    desk.settlement.database.on_committed(metrics.count)


def payments(outcome: str) -> float:
    return told("payments_total", office="heidelberg", provider="paypal", outcome=outcome)


def calls(act: str, outcome: str) -> float:
    return told("provider_seconds_count", provider="paypal", act=act, outcome=outcome)


async def opened(desk: Any) -> dict[str, float]:
    await watch_once(desk.settlement)
    return {state: told("open_cents", office="heidelberg", state=state) for state in LIVE}


async def test_a_payment_counts_at_every_step_and_its_sum_is_open_until_it_is_taken(
    desk: Any, simulator: Any, case: Any
) -> None:
    before = {outcome: payments(outcome) for outcome in ("authorised", "captured")}
    cents, created, taken = (
        told("captured_cents_total", office="heidelberg"),
        calls("create", "done"),
        calls("capture", "done"),
    )
    rest = await opened(desk)
    await desk.hear(case.requested())
    assert await opened(desk) == rest | {"requested": rest["requested"] + 1300}
    order = await desk.settlement.start_approval(case.citizen)
    assert await opened(desk) == rest | {"approval_pending": rest["approval_pending"] + 1300}
    simulator.approve(order)
    await desk.settlement.confirm_approval(case.citizen)
    await desk.settlement.confirm_approval(case.citizen)
    assert await opened(desk) == rest | {"authorised": rest["authorised"] + 1300}
    await desk.hear(case.completed())
    await desk.settle()
    assert await opened(desk) == rest
    assert {outcome: payments(outcome) - count for outcome, count in before.items()} == {"authorised": 1, "captured": 1}
    assert told("captured_cents_total", office="heidelberg") == cents + 1300
    assert (calls("create", "done"), calls("capture", "done")) == (created + 1, taken + 1)


async def test_a_payer_who_is_declined_and_one_who_is_given_back(desk: Any, simulator: Any, case: Any) -> None:
    declined, voided, refused = payments("declined"), payments("voided"), calls("authorise", "refused")
    simulator.control(decline_authorizations=1)
    await desk.pending(simulator, case)
    await desk.settlement.confirm_approval(case.citizen)
    assert (payments("declined"), calls("authorise", "refused")) == (declined + 1, refused + 1)
    other = type(case)()
    await desk.authorised(simulator, other)
    await desk.hear(other.aborted())
    await desk.settle()
    assert payments("voided") == voided + 1


async def test_a_provider_that_is_away_is_told_and_so_is_the_work_that_waits_for_it(
    desk: Any, simulator: Any, case: Any
) -> None:
    away = calls("create", "unavailable")
    await desk.hear(case.requested())
    simulator.control(refuse_calls=999)
    with pytest.raises(ProviderUnavailable):
        await desk.settlement.start_approval(case.citizen)
    assert calls("create", "unavailable") == away + 1
    simulator.control(refuse_calls=0)
    await desk.authorised(simulator, other := type(case)())
    await desk.hear(other.completed())
    await watch_once(desk.settlement)
    assert told("settlements_waiting") >= 1


async def test_the_kinds_of_what_is_paid_but_open_are_those_that_are_counted(desk: Any) -> None:
    async with desk.settlement.database.transaction() as tx:
        assert tuple(await store.paid_but_open(tx, desk.clock())) == store.PAID_BUT_OPEN
