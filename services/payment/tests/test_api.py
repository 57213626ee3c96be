"""The HTTP door: what a citizen sees and does, and the way over the real bus."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import nats
import pytest

from contracts.base import Meta

ORDER, APPROVAL, AUTHORISATION = "/citizen/order", "/citizen/order/approval", "/citizen/order/authorisation"


async def call(service: Any, case: Any, method: str, path: str) -> httpx.Response:
    answer: httpx.Response = await service.http.request(method, f"/api/payment{path}", headers=service.as_citizen(case))
    return answer


async def test_a_citizen_pays_in_the_call(service: Any, simulator: Any, case: Any) -> None:
    assert (await call(service, case, "GET", ORDER)).json()["code"] == "order_not_found"
    await service.desk.hear(case.requested())
    order = (await call(service, case, "GET", ORDER)).json()
    assert (order["state"], order["amount_cents"], order["currency"]) == ("requested", 1300, "EUR")
    assert order["items"][0]["text"]["en"] == "Certificate of good conduct"

    approval = (await call(service, case, "POST", APPROVAL)).json()
    assert (await call(service, case, "POST", APPROVAL)).json() == approval
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(approval["approval_url"], headers={"Accept-Language": "de"})
        assert "13,00" in page.text
        back = await browser.post(approval["approval_url"].replace("checkoutnow?token=", "checkoutnow/") + "/approve")
    location = httpx.URL(back.headers["location"])
    assert str(location).startswith("http://localhost:8080/heidelberg/payment-return?state=approved")

    paid = (await call(service, case, "POST", AUTHORISATION)).json()
    assert paid == (await call(service, case, "GET", ORDER)).json()
    assert (paid["state"], paid["receipt_number"]) == ("authorised", None)
    refused = await call(service, case, "POST", APPROVAL)
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (
        409,
        "order_settled",
        "authorised",
    )

    await service.desk.hear(case.completed())

    async def captured() -> bool:
        return bool((await call(service, case, "GET", ORDER)).json()["state"] == "captured")

    await service.until(captured)
    receipt = (await call(service, case, "GET", ORDER)).json()["receipt_number"]
    assert receipt.startswith(f"HD-{datetime.now(UTC).year}-")


async def test_asking_before_approving_reserves_nothing(service: Any, simulator: Any, case: Any) -> None:
    await service.desk.pending(simulator, case, approved=False)
    answer = await call(service, case, "POST", AUTHORISATION)
    assert (answer.status_code, answer.json()["state"]) == (200, "approval_pending")


async def test_a_declined_payer_may_try_again(service: Any, simulator: Any, case: Any) -> None:
    order = await service.desk.pending(simulator, case)
    simulator.control(decline_authorizations=1)
    declined = (await call(service, case, "POST", AUTHORISATION)).json()
    assert (declined["state"], declined["reason"]) == ("failed", "declined")
    again = (await call(service, case, "POST", APPROVAL)).json()
    assert again["order_id"] != str(order.id)
    simulator.http.post(again["approval_url"].replace("checkoutnow?token=", "checkoutnow/") + "/approve")
    assert (await call(service, case, "POST", AUTHORISATION)).json()["state"] == "authorised"
    assert await service.desk.told(case) == ["failed", "authorised"]


async def test_receipts_are_unique_and_counted_by_office(service: Any, simulator: Any, case: Any) -> None:
    numbers = []
    for office in ("heidelberg", "heidelberg", "demo"):
        one = replace(case, office=office, appointment_id=uuid4(), case_id=uuid4())
        order = await service.desk.authorised(simulator, one)
        await service.desk.hear(one.completed())
        await service.desk.settlement.attend(order.id)
        numbers.append((await call(service, one, "GET", ORDER)).json()["receipt_number"])
    assert len(set(numbers)) == 3
    assert numbers[0][:8] == numbers[1][:8] != numbers[2][:8]


async def test_the_provider_is_away(service: Any, simulator: Any, case: Any) -> None:
    await service.desk.hear(case.requested())
    simulator.control(refuse_calls=99)
    answer = await call(service, case, "POST", APPROVAL)
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert answer.headers["retry-after"] == "5"
    simulator.control(refuse_calls=0)
    await service.desk.settlement.start_approval(case.citizen)
    simulator.control(refuse_calls=99)
    answer = await call(service, case, "POST", AUTHORISATION)
    assert (answer.status_code, answer.json()["state"]) == (200, "approval_pending")


@pytest.mark.parametrize(("method", "path"), [("GET", ORDER), ("POST", APPROVAL), ("POST", AUTHORISATION)])
async def test_the_link_from_before_a_move_is_dead_in_whatever_order_moves_arrive(
    service: Any, simulator: Any, case: Any, method: str, path: str
) -> None:
    await service.desk.hear(case.requested())
    for generation in (3, 2):
        await service.desk.hear(case.moved(generation))
    old = await call(service, replace(case, generation=2), method, path)
    assert (old.status_code, old.json()["code"]) == (410, "link_expired")
    assert (await call(service, replace(case, generation=3), method, path)).status_code != 410


@pytest.mark.parametrize("renewed", ["moved", "readdressed"])
async def test_what_is_reserved_stays_reserved_under_another_link(
    service: Any, simulator: Any, case: Any, renewed: str
) -> None:
    order = await service.desk.authorised(simulator, case)
    await service.desk.hear(getattr(case, renewed)())
    await service.desk.settle()
    assert simulator.authorization_status(order) == "CREATED"


async def test_the_link_that_went_to_a_wrong_address_pays_nothing_heard_once_or_twice(
    service: Any, simulator: Any, case: Any
) -> None:
    await service.desk.hear(case.requested())
    event = case.readdressed()
    meta = Meta.of(event, now=service.desk.clock())
    assert [await service.desk.hear(event, meta) for _ in range(2)] == [True, False]
    old = await call(service, case, "GET", ORDER)
    assert (old.status_code, old.json()["code"]) == (410, "link_expired")
    assert (await call(service, replace(case, generation=2), "GET", ORDER)).status_code == 200


@pytest.mark.parametrize("end", ["aborted", "cancelled", "missed"])
async def test_after_the_end_nothing_can_be_paid(service: Any, simulator: Any, case: Any, end: str) -> None:
    await service.desk.hear(case.requested())
    await service.desk.hear(getattr(case, end)())
    answer = await call(service, case, "POST", APPROVAL)
    if end == "cancelled":
        assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")
        assert (await call(service, case, "GET", ORDER)).status_code == 410
    else:
        assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "order_settled", "voided")
        assert (await call(service, case, "GET", ORDER)).json()["state"] == "voided"


async def test_answers_are_not_stored_by_anybody(service: Any, case: Any) -> None:
    await service.desk.hear(case.requested())
    assert (await call(service, case, "GET", ORDER)).headers["cache-control"] == "no-store"


async def test_other_methods_are_refused(service: Any, case: Any) -> None:
    for method, path in [("DELETE", ORDER), ("GET", APPROVAL), ("PUT", AUTHORISATION), ("GET", "/webhooks/paypal")]:
        assert (await call(service, case, method, path)).status_code == 405


# Over the bus


async def test_from_request_to_capture_over_the_bus(service: Any, simulator: Any, case: Any, nats_url: str) -> None:
    client = await nats.connect(nats_url)
    try:
        bus = client.jetstream()

        async def publish(event: Any, *, times: int) -> None:
            meta = Meta.of(event, now=datetime.now(UTC))
            for n in range(times):
                # a new message id: only the inbox can know the repetition
                headers = meta.headers() | {"Nats-Msg-Id": f"{meta.id}-{n}"}
                await bus.publish(event.SUBJECT, event.model_dump_json().encode(), headers=headers)

        await publish(case.requested(), times=2)

        async def found() -> bool:
            return (await call(service, case, "GET", ORDER)).status_code == 200

        await service.until(found, 15)
        order = await service.desk.settlement.start_approval(case.citizen)
        simulator.approve(order)
        await call(service, case, "POST", AUTHORISATION)
        await publish(case.completed(), times=2)

        async def facts() -> list[str]:
            """What the bus holds about this case, oldest first."""
            info = await bus.stream_info("PAYMENT")
            messages = [await bus.get_msg("PAYMENT", n + 1) for n in range(info.state.last_seq)]
            about = [message for message in messages if str(case.case_id).encode() in (message.data or b"")]
            return [str(message.subject) for message in about]

        async def both() -> bool:
            return await facts() == ["payment.authorised.v1", "payment.captured.v1"]

        await service.until(both, 15)
        fact = json.loads((await bus.get_last_msg("PAYMENT", "payment.captured.v1")).data or b"{}")
        assert (fact["case_id"], fact["amount_cents"]) == (str(case.case_id), 1300)
        assert simulator.captures(order) == 1
        assert (await service.http.get("/readyz")).status_code == 200
    finally:
        await client.close()
