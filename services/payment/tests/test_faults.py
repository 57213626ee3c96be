"""F16, F17 and their relatives: the process, the provider or the news is lost in the middle, and it comes right."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from payment import workers
from payment.jobs import LEASE
from payment.model import Act, Order, Snapshot
from payment.providers.base import Approval, Notice, Provider, Return
from payment.workers import PAID_BUT_OPEN, watch_once


class Killed(BaseException):
    """The process is gone: no handler of the code under test may see it."""


@dataclass
class Fragile:
    """A provider whose caller dies right after the provider did what it was asked."""

    inner: Provider
    dies_after: Act | str
    name: str = "paypal"

    async def create(self, order: Order, back: Return) -> Approval:
        approval = await self.inner.create(order, back)
        self._die("create")
        return approval

    async def read(self, order: Order) -> Snapshot:
        return await self.inner.read(order)

    async def authorise(self, order: Order) -> Snapshot:
        snapshot = await self.inner.authorise(order)
        self._die("authorise")
        return snapshot

    async def capture(self, order: Order) -> Snapshot:
        snapshot = await self.inner.capture(order)
        self._die("capture")
        return snapshot

    async def void(self, order: Order) -> Snapshot:
        snapshot = await self.inner.void(order)
        self._die("void")
        return snapshot

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        return await self.inner.verify(headers, body, now)

    def _die(self, what: str) -> None:
        if what == self.dies_after:
            self.dies_after = ""
            raise Killed


def fragile(desk: Any, dies_after: str) -> Any:
    settlement = desk.settlement
    return replace(desk, settlement=replace(settlement, provider=Fragile(settlement.provider, dies_after)))


async def after_the_lease(desk: Any) -> None:
    desk.clock.ahead += LEASE + timedelta(seconds=1)
    await desk.settle()


async def test_killed_between_capture_and_commit(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.authorised(simulator, case)
    await desk.hear(case.completed())
    with pytest.raises(Killed):
        await fragile(desk, "capture").settle()
    assert simulator.captures(order) == 1
    assert await desk.told(case) == ["authorised"]
    await desk.settle()
    assert await desk.told(case) == ["authorised"], "the dead worker's lease still runs"
    await after_the_lease(desk)
    assert await desk.told(case) == ["authorised", "captured"]
    assert simulator.captures(order) == 1
    assert await desk.rows("SELECT 1 FROM order_job WHERE order_id = :id", id=order.id) == []


async def test_killed_between_authorisation_and_commit(desk: Any, simulator: Any, case: Any) -> None:
    await desk.pending(simulator, case)
    with pytest.raises(Killed):
        await fragile(desk, "authorise").settlement.confirm_approval(case.citizen)
    await after_the_lease(desk)
    assert await desk.told(case) == ["authorised"]


async def test_aborted_while_the_killed_process_had_just_reserved(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.pending(simulator, case)
    with pytest.raises(Killed):
        await fragile(desk, "authorise").settlement.confirm_approval(case.citizen)
    await desk.hear(case.aborted())
    await after_the_lease(desk)
    assert simulator.authorization_status(order) == "VOIDED"
    assert (await desk.told(case))[-1] == "voided"


async def test_killed_between_void_and_commit(desk: Any, simulator: Any, case: Any) -> None:
    await desk.authorised(simulator, case)
    await desk.hear(case.aborted())
    with pytest.raises(Killed):
        await fragile(desk, "void").settle()
    await after_the_lease(desk)
    assert await desk.told(case) == ["authorised", "voided"]


async def test_killed_between_creation_and_commit(desk: Any, simulator: Any, case: Any) -> None:
    await desk.hear(case.requested())
    before = len(simulator.state()["orders"])
    with pytest.raises(Killed):
        await fragile(desk, "create").settlement.start_approval(case.citizen)
    order = await desk.settlement.start_approval(case.citizen)
    assert order.state == "approval_pending"
    assert len(simulator.state()["orders"]) == before + 1


async def test_the_provider_times_out_after_capturing(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.authorised(simulator, case)
    await desk.hear(case.completed())
    simulator.control(lose_capture_answers=9, silence_seconds=5)
    await desk.settle()
    assert simulator.captures(order) == 1
    assert await desk.told(case) == ["authorised"], "no answer is no knowledge"
    simulator.control(lose_capture_answers=0)
    desk.clock.ahead += timedelta(minutes=5)
    await desk.settle()
    assert simulator.captures(order) == 1
    assert await desk.told(case) == ["authorised", "captured"]


async def test_the_provider_is_away_for_a_while(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.authorised(simulator, case)
    await desk.hear(case.completed())
    simulator.control(refuse_calls=999)
    for _ in range(3):
        await desk.settle()
        desk.clock.ahead += timedelta(minutes=5)
    jobs = await desk.rows("SELECT attempts, last_error FROM order_job WHERE order_id = :id", id=order.id)
    assert [(j["attempts"], j["last_error"]) for j in jobs] == [(3, "ProviderUnavailable")]
    simulator.control(refuse_calls=0)
    await desk.settle()
    assert await desk.told(case) == ["authorised", "captured"]


async def test_two_workers_and_an_impatient_citizen_take_the_money_once(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.pending(simulator, case)
    await asyncio.gather(*(desk.settlement.confirm_approval(case.citizen) for _ in range(5)))
    await desk.hear(case.completed())
    await asyncio.gather(desk.settle(), desk.settle(), *(desk.settlement.attend(order.id) for _ in range(4)))
    assert await desk.told(case) == ["authorised", "captured"]
    assert simulator.captures(order) == 1


async def test_lost_webhooks_and_a_closed_window_are_found_by_looking(desk: Any, simulator: Any, case: Any) -> None:
    await desk.pending(simulator, case)
    await watch_once(desk.settlement)
    await desk.settle()
    assert await desk.told(case) == [], "not yet: the citizen or the webhook comes first"
    desk.clock.ahead += timedelta(minutes=2)
    await watch_once(desk.settlement)
    await desk.settle()
    assert await desk.told(case) == ["authorised"]


async def test_an_order_that_the_provider_lost_begins_anew(desk: Any, simulator: Any, case: Any) -> None:
    old = await desk.pending(simulator, case, approved=False)
    simulator.http.post(f"/simulator/control/forget/{old.provider_order_id}")
    new = await desk.settlement.start_approval(case.citizen)
    assert (new.id != old.id, new.state) == (True, "approval_pending")
    simulator.approve(new)
    assert (await desk.settlement.confirm_approval(case.citizen)).state == "authorised"
    assert await desk.told(case) == ["failed", "authorised"]


async def test_refunded_before_anything_else_was_heard(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.pending(simulator, case)
    headers = await access(simulator)
    at = simulator.http
    reserved = at.post(f"/v2/checkout/orders/{order.provider_order_id}/authorize", headers=headers).json()
    authorization = reserved["purchase_units"][0]["payments"]["authorizations"][0]["id"]
    capture = at.post(f"/v2/payments/authorizations/{authorization}/capture", json={}, headers=headers).json()
    at.post(f"/v2/payments/captures/{capture['id']}/refund", json={}, headers=headers)
    seen = await desk.settlement.attend(order.id)
    assert (seen.state, seen.refunded_cents) == ("captured", 1300)
    assert await desk.told(case) == ["authorised", "captured", "refunded"]


async def access(simulator: Any) -> dict[str, str]:
    form = {"grant_type": "client_credentials"}
    token = simulator.http.post("/v1/oauth2/token", data=form, auth=("merchant", "merchant-secret")).json()
    return {"Authorization": f"Bearer {token['access_token']}", "Prefer": "return=representation"}


async def test_another_sum_at_the_provider_is_given_back(desk: Any, simulator: Any, case: Any) -> None:
    order = await desk.pending(simulator, case, approved=False)
    simulator.approve(order)
    reserved = simulator.http.post(
        f"/v2/checkout/orders/{order.provider_order_id}/authorize", headers=await access(simulator)
    )
    assert reserved.status_code == 201
    async with desk.settlement.database.transaction() as tx:
        await tx.execute("UPDATE payment_order SET amount_cents = 1299 WHERE id = :id", id=order.id)
    seen = await desk.settlement.attend(order.id)
    assert (seen.state, seen.reason) == ("failed", "amount_mismatch")
    assert simulator.authorization_status(order) == "VOIDED"
    assert await desk.told(case) == ["failed"]


async def test_paid_but_open_is_counted(desk: Any, simulator: Any, case: Any) -> None:
    await desk.authorised(simulator, case)
    await watch_once(desk.settlement)
    assert gauge("case_left_open") == 0
    desk.clock.ahead += timedelta(days=2)
    await watch_once(desk.settlement)
    assert gauge("case_left_open") >= 1
    await desk.hear(case.completed())
    simulator.control(refuse_calls=999)
    desk.clock.ahead += timedelta(minutes=11)
    await desk.settle()
    await watch_once(desk.settlement)
    assert gauge("capture_overdue") >= 1


def gauge(kind: str) -> float:
    return float(PAID_BUT_OPEN.labels(kind)._value.get())


async def test_one_broken_order_does_not_stop_the_others(desk: Any, simulator: Any, case: Any) -> None:
    first = await desk.authorised(simulator, case)
    other = type(case)()
    await desk.authorised(simulator, other)
    await desk.hear(case.completed())
    await desk.hear(other.completed())
    async with desk.settlement.database.transaction() as tx:
        await tx.execute("UPDATE payment_order SET items = '[{}]' WHERE id = :id", id=first.id)
    worker = asyncio.create_task(workers.work_off(desk.settlement))
    try:
        async with asyncio.timeout(10):
            while await desk.told(other) != ["authorised", "captured"]:
                await asyncio.sleep(0.05)
    finally:
        worker.cancel()
    assert await desk.told(case) == ["authorised"]
