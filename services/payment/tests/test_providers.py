"""One behaviour suite for every provider. PayPal's runs against the simulator's process, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.ids import OrderId
from payment.app import paypal
from payment.errors import ProviderUnavailable
from payment.model import Order
from payment.providers.base import Provider, Return
from payment.providers.paypal import PayPal
from payment.providers.paypal_books import PayPalMoney

BACK = Return("http://office.test/demo/payment-return?state=approved", "http://office.test/x", "Stadt Heidelberg")


@dataclass
class Bench:
    """A provider, and hands for what people and fate do at it."""

    provider: Provider
    approve: Callable[[Order], None]
    captures: Callable[[Order], int]
    control: Callable[..., Any]
    forget: Callable[[Order], None]
    expire: Callable[[Order], None]
    misprice: Callable[[Order, int], None]


@pytest.fixture(params=["paypal"])
async def bench(settings: Any, simulator: Any) -> AsyncIterator[Bench]:
    async with httpx.AsyncClient(timeout=0.5, trust_env=False) as client:
        yield Bench(
            paypal(settings, client),
            simulator.approve,
            simulator.captures,
            simulator.control,
            lambda order: simulator.http.post(f"/simulator/control/forget/{order.provider_order_id}"),
            lambda order: simulator.http.post(f"/simulator/control/expire/{order.provider_order_id}"),
            lambda order, cents: simulator.http.post(
                f"/simulator/control/amount/{order.provider_order_id}", json={"cents": cents}
            ),
        )


@pytest.fixture
def order(case: Any) -> Order:
    request = case.requested()
    return Order(
        id=OrderId(uuid4()),
        office=request.office,
        appointment_id=request.appointment_id,
        case_id=request.case_id,
        reference=request.reference,
        amount_cents=request.amount_cents,
        currency="EUR",
        items=request.items,
        language="en",
        provider="paypal",
        requested_at=datetime.now(UTC),
    )


async def created(bench: Bench, order: Order) -> Order:
    approval = await bench.provider.create(order, BACK)
    return replace(order, provider_order_id=approval.provider_order_id, approval_url=approval.url)


async def reserved(bench: Bench, order: Order) -> Order:
    order = await created(bench, order)
    bench.approve(order)
    snapshot = await bench.provider.authorise(order)
    assert snapshot.phase == "authorised"
    return replace(order, authorization_id=snapshot.authorization_id)


async def test_creating_twice_is_one_order_with_a_page_to_approve_it(bench: Bench, order: Order) -> None:
    first, second = await bench.provider.create(order, BACK), await bench.provider.create(order, BACK)
    assert first == second
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(first.url)
    assert "Stadt Heidelberg" in page.text
    assert "Certificate of good conduct" in page.text
    assert "€13.00" in page.text


async def test_the_whole_way_with_the_sum_as_the_provider_has_it(bench: Bench, order: Order) -> None:
    order = await created(bench, order)
    assert (await bench.provider.read(order)).phase == "created"
    bench.approve(order)
    assert (await bench.provider.read(order)).phase == "approved"
    held = await bench.provider.authorise(order)
    assert (held.phase, held.amount_cents, held.currency) == ("authorised", 1300, "EUR")
    order = replace(order, authorization_id=held.authorization_id)
    taken = await bench.provider.capture(order)
    assert (taken.phase, taken.amount_cents, taken.capture_id is not None) == ("captured", 1300, True)
    assert await bench.provider.read(order) == taken


async def test_every_act_may_be_repeated(bench: Bench, order: Order) -> None:
    order = await reserved(bench, order)
    assert (await bench.provider.authorise(order)).phase == "authorised"
    phases = await asyncio.gather(*(bench.provider.capture(order) for _ in range(4)))
    assert {snapshot.phase for snapshot in phases} == {"captured"}
    assert bench.captures(order) == 1
    assert (await bench.provider.void(order)).phase == "captured"


async def test_authorising_too_early_reserves_nothing(bench: Bench, order: Order) -> None:
    assert (await bench.provider.authorise(await created(bench, order))).phase == "created"


async def test_a_reservation_is_given_back(bench: Bench, order: Order) -> None:
    order = await reserved(bench, order)
    assert (await bench.provider.void(order)).phase == "voided"
    assert (await bench.provider.void(order)).phase == "voided"
    assert (await bench.provider.capture(order)).phase == "voided"
    assert bench.captures(order) == 0


async def test_a_refusal_is_a_phase_and_no_error(bench: Bench, order: Order) -> None:
    order = await created(bench, order)
    bench.approve(order)
    bench.control(decline_authorizations=1)
    assert (await bench.provider.authorise(order)).phase == "declined"


async def test_a_refused_capture_is_declined(bench: Bench, order: Order) -> None:
    order = await reserved(bench, order)
    bench.control(decline_captures=1)
    assert (await bench.provider.capture(order)).phase == "declined"
    assert bench.captures(order) == 0


async def test_a_reservation_that_ran_out_is_expired(bench: Bench, order: Order) -> None:
    order = await reserved(bench, order)
    bench.expire(order)
    assert (await bench.provider.capture(order)).phase == "expired"
    assert (await bench.provider.read(order)).phase == "expired"


async def test_an_order_the_provider_does_not_know_is_missing(bench: Bench, order: Order) -> None:
    order = await created(bench, order)
    bench.forget(order)
    assert (await bench.provider.read(order)).phase == "missing"


async def test_the_sum_is_the_providers_and_not_ours(bench: Bench, order: Order) -> None:
    order = await created(bench, order)
    bench.misprice(order, 99900)
    bench.approve(order)
    assert (await bench.provider.authorise(order)).amount_cents == 99900


async def test_a_short_absence_is_bridged_and_a_long_one_is_said(bench: Bench, order: Order) -> None:
    order = await created(bench, order)
    bench.control(refuse_calls=2)
    assert (await bench.provider.read(order)).phase == "created"
    bench.control(refuse_calls=50)
    with pytest.raises(ProviderUnavailable):
        await bench.provider.read(order)


async def test_a_lost_answer_to_a_capture_takes_the_money_once(bench: Bench, order: Order) -> None:
    order = await reserved(bench, order)
    bench.control(lose_capture_answers=1)
    assert (await bench.provider.capture(order)).phase == "captured"
    bench.control(lose_capture_answers=0)
    assert bench.captures(order) == 1


# What is PayPal's own


def adapter(handle: Callable[[httpx.Request], httpx.Response]) -> PayPal:
    client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return PayPal(client, "https://api.paypal.test", "id", "secret", verifier=None)  # type: ignore[arg-type]


async def test_paypal_the_token_is_fetched_once_and_renewed_when_refused(order: Order) -> None:
    tokens: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth2/token":
            tokens.append(f"T{len(tokens)}")
            return httpx.Response(200, json={"access_token": tokens[-1], "expires_in": 32400})
        if len(tokens) == 2 and request.headers["authorization"] == "Bearer T1":
            return httpx.Response(200, json={"id": "P1", "status": "CREATED"})
        return httpx.Response(401 if tokens != ["T0"] or expired else 200, json={"id": "P1", "status": "CREATED"})

    expired = False
    provider, order = adapter(handle), replace(order, provider_order_id="P1")
    await asyncio.gather(*(provider.read(order) for _ in range(5)))
    assert tokens == ["T0"]
    expired = True
    assert (await provider.read(order)).phase == "created"
    assert tokens == ["T0", "T1"]


async def test_paypal_a_redirect_is_not_followed(order: Order) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.path == "/v1/oauth2/token":
            return httpx.Response(200, json={"access_token": "T", "expires_in": 32400})
        return httpx.Response(302, headers={"location": "http://169.254.169.254/"})

    with pytest.raises(ProviderUnavailable):
        await adapter(handle).read(replace(order, provider_order_id="P1"))
    assert set(asked) == {"api.paypal.test"}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": "../../x", "status": "CREATED"}', b'{"id": "P1"}', b"<html>"])
async def test_paypal_nonsense_is_no_state(order: Order, body: bytes) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth2/token":
            return httpx.Response(200, json={"access_token": "T", "expires_in": 32400})
        return httpx.Response(200, content=body)

    with pytest.raises(ProviderUnavailable):
        await adapter(handle).read(replace(order, provider_order_id="P1"))


@pytest.mark.parametrize(
    ("value", "cents"), [("13.00", 1300), ("0.05", 5), ("13", -1), ("1e3.00", -1), ("-1.00", -1), ("13.000", -1)]
)
def test_paypal_amounts_are_read_exactly(value: str, cents: int) -> None:
    assert PayPalMoney(currency_code="EUR", value=value).cents == cents
