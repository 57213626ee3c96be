"""F15, S38: webhooks duplicated, shuffled, forged, stale, tampered."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

HOOK = "/api/payment/webhooks/paypal"


async def jobs(service: Any) -> int:
    return len(await service.desk.rows("SELECT 1 FROM order_job"))


async def deliveries(service: Any, transmission_id: str) -> int:
    rows = await service.desk.rows("SELECT 1 FROM webhook_delivery WHERE transmission_id = :id", id=transmission_id)
    return len(rows)


async def state(service: Any, case: Any) -> str:
    answer = await service.http.get("/api/payment/citizen/order", headers=service.as_citizen(case))
    return str(answer.json()["state"])


# The whole way, over HTTP, with the real simulator posting


async def test_the_webhook_alone_brings_the_payment_when_the_citizens_window_is_closed(
    service: Any, simulator: Any, case: Any
) -> None:
    simulator.control(hold_webhooks=False)
    await service.desk.pending(simulator, case)

    async def authorised() -> bool:
        return await state(service, case) == "authorised"

    await service.until(authorised)
    await service.desk.hear(case.completed())

    async def captured() -> bool:
        return await state(service, case) == "captured"

    await service.until(captured)
    assert await service.desk.told(case) == ["authorised", "captured"]


async def test_duplicated_and_shuffled_webhooks_have_one_effect(service: Any, simulator: Any, case: Any) -> None:
    order = await service.desk.pending(simulator, case)
    await service.desk.settlement.confirm_approval(case.citizen)
    await service.desk.hear(case.completed())

    async def captured() -> bool:
        return await state(service, case) == "captured"

    await service.until(captured)
    simulator.control(webhook_copies=5, shuffle_webhooks=True)
    sent = len(simulator.state()["sent"])
    assert simulator.http.post("/simulator/control/release").json()["released"] == 3

    async def all_delivered() -> bool:
        new = simulator.state()["sent"][sent:]
        return (
            all(webhook["status"] == 204 and webhook["attempts"] == 5 for webhook in new) and await jobs(service) == 0
        )

    await service.until(all_delivered)
    for webhook in simulator.state()["sent"][sent:]:
        assert await deliveries(service, webhook["transmission_id"]) == 1
    assert await service.desk.told(case) == ["authorised", "captured"]
    assert simulator.captures(order) == 1


async def test_refunded_before_captured(service: Any, simulator: Any, case: Any) -> None:
    order = await service.desk.authorised(simulator, case)
    await service.desk.hear(case.completed())

    async def captured() -> bool:
        return await state(service, case) == "captured"

    await service.until(captured)
    await refund(simulator, order)
    held = {webhook["event_type"]: webhook for webhook in simulator.state()["held"]}
    for event_type in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED"):
        await post(service, held[event_type], 204)

    async def settled() -> bool:
        return await jobs(service) == 0

    await service.until(settled)
    view = (await service.http.get("/api/payment/citizen/order", headers=service.as_citizen(case))).json()
    assert (view["state"], view["refunded_cents"]) == ("captured", 1300)
    assert await service.desk.told(case) == ["authorised", "captured", "refunded"]


async def refund(simulator: Any, order: Any) -> None:
    form = {"grant_type": "client_credentials"}
    token = simulator.http.post("/v1/oauth2/token", data=form, auth=("merchant", "merchant-secret")).json()
    unit = simulator.state()["orders"][order.provider_order_id]["purchase_units"][0]
    capture = unit["payments"]["captures"][0]["id"]
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert simulator.http.post(f"/v2/payments/captures/{capture}/refund", json={}, headers=headers).status_code == 201


async def post(service: Any, webhook: dict[str, Any], status: int, **headers: str) -> None:
    answer = await service.http.post(HOOK, content=webhook["body"].encode(), headers=webhook["headers"] | headers)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert answer.json()["code"] == "webhook_invalid"
        assert "signature" not in answer.text, "which check failed is nobody's business"


async def test_forged_and_tampered_webhooks_change_nothing(service: Any, simulator: Any, case: Any) -> None:
    await service.desk.authorised(simulator, case)
    genuine = simulator.state()["held"][0]
    await post(service, genuine | {"body": genuine["body"].replace("13.00", "99.00")}, 400)
    await post(service, genuine | {"body": genuine["body"] + " "}, 400)
    tampered = {
        "PAYPAL-TRANSMISSION-ID": "00000000-0000-4000-8000-000000000000",
        "PAYPAL-TRANSMISSION-TIME": (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(b"x" * 256).decode(),
        "PAYPAL-AUTH-ALGO": "none",
        "PAYPAL-CERT-URL": "http://169.254.169.254/v1/notifications/certs/CERT-00000000",
    }
    for name, value in tampered.items():
        await post(service, genuine, 400, **{name: value})
    for name in list(tampered):
        without = {key: value for key, value in genuine["headers"].items() if key != name}
        await post(service, genuine | {"headers": without}, 400)
    assert await deliveries(service, genuine["transmission_id"]) == 0
    assert await service.desk.told(case) == ["authorised"]


async def test_a_stale_webhook_is_refused_and_an_old_story_in_a_fresh_one_is_only_a_reason_to_look(
    service: Any, simulator: Any, case: Any
) -> None:
    order = await service.desk.authorised(simulator, case)
    await service.desk.hear(case.completed())

    async def captured() -> bool:
        return await state(service, case) == "captured"

    await service.until(captured)
    resource = {"id": order.provider_order_id, "status": "VOIDED", "amount": {"currency_code": "EUR", "value": "0.01"}}
    lie = json.dumps({"id": "WH-1", "event_type": "PAYMENT.AUTHORIZATION.VOIDED", "resource": resource})
    await post(service, simulator.sign("PAYMENT.AUTHORIZATION.VOIDED", lie, age_seconds=5 * 24 * 3600), 400)
    await post(service, simulator.sign("PAYMENT.AUTHORIZATION.VOIDED", lie, age_seconds=-2 * 3600 - 60), 400)
    await post(service, simulator.sign("PAYMENT.AUTHORIZATION.VOIDED", lie, age_seconds=-2 * 3600 + 60), 204)

    async def settled() -> bool:
        return await jobs(service) == 0

    await service.until(settled)
    assert await state(service, case) == "captured"
    assert await service.desk.told(case) == ["authorised", "captured"]


async def test_a_replayed_webhook_is_accepted_again_and_does_nothing(service: Any, simulator: Any, case: Any) -> None:
    await service.desk.authorised(simulator, case)
    genuine = simulator.state()["held"][-1]
    await post(service, genuine, 204)

    async def settled() -> bool:
        return await jobs(service) == 0

    await service.until(settled)
    checked = "SELECT checked_at FROM payment_order WHERE appointment_id = :id"
    before = await service.desk.rows(checked, id=case.appointment_id)
    for _ in range(3):
        await post(service, genuine, 204)
    assert await jobs(service) == 0
    assert await service.desk.rows(checked, id=case.appointment_id) == before


@pytest.mark.parametrize("body", ["", "null", "[]", '{"id": 1}', '{"id": "a", "event_type": "b", "resource": [1]}'])
async def test_even_a_genuine_signature_does_not_make_sense_of_nonsense(
    service: Any, simulator: Any, body: str
) -> None:
    await post(service, simulator.sign("X", body), 400)


async def test_a_webhook_about_somebody_elses_order_is_accepted_and_forgotten(service: Any, simulator: Any) -> None:
    body = json.dumps({"id": "WH-2", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"id": "UNKNOWN"}})
    await post(service, simulator.sign("X", body), 204)
    assert await jobs(service) == 0
