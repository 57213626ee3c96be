"""The simulator speaks PayPal's protocol: orders, authorizations, captures, refunds, and errors of PayPal's shape."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from simulators.paypal.app import build
from simulators.paypal.settings import Settings

API = "http://paypal.test"
Json = dict[str, Any]
ORDER: Json = {
    "intent": "AUTHORIZE",
    "purchase_units": [
        {
            "custom_id": "order-1",
            "amount": {
                "currency_code": "EUR",
                "value": "13.00",
                "breakdown": {"item_total": {"currency_code": "EUR", "value": "13.00"}},
            },
            "items": [
                {"name": "Führungszeugnis", "quantity": "1", "unit_amount": {"currency_code": "EUR", "value": "13.00"}}
            ],
        }
    ],
    "payment_source": {
        "paypal": {
            "experience_context": {
                "brand_name": "Heidelberg",
                "return_url": "http://office.test/demo/payment-return?state=approved",
                "cancel_url": "http://office.test/demo/payment-return?state=cancelled",
            }
        }
    },
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        paypal_port=1,
        paypal_client_id="id",
        paypal_client_secret="secret",
        paypal_webhook_id="WH1",
        paypal_api_url=API + "/",
        paypal_public_url="http://office.test/paypal-simulator",
    )
    transport = httpx.ASGITransport(build(settings))
    async with httpx.AsyncClient(transport=transport, base_url=API) as client:
        yield client


@pytest.fixture
async def merchant(http: httpx.AsyncClient) -> httpx.AsyncClient:
    answer = await http.post("/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=("id", "secret"))
    assert answer.json()["token_type"] == "Bearer"
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    http.headers["Prefer"] = "return=representation"
    return http


async def create(merchant: httpx.AsyncClient, request_id: str = "create-1") -> Json:
    answer = await merchant.post("/v2/checkout/orders", json=ORDER, headers={"PayPal-Request-Id": request_id})
    assert answer.is_success, answer.text
    created: Json = answer.json()
    return created


async def authorised(merchant: httpx.AsyncClient) -> tuple[Json, str]:
    order = await create(merchant)
    await merchant.post(f"/paypal-simulator/checkoutnow/{order['id']}/approve")
    answer = await merchant.post(f"/v2/checkout/orders/{order['id']}/authorize", json={})
    assert answer.status_code == 201
    return order, answer.json()["purchase_units"][0]["payments"]["authorizations"][0]["id"]


def issue(answer: httpx.Response) -> str:
    body = answer.json()
    assert body["debug_id"]
    assert body["message"]
    return str(body["details"][0]["issue"])


def link(resource: Json, rel: str) -> str:
    return next(str(link["href"]) for link in resource["links"] if link["rel"] == rel)


async def test_wrong_credentials_get_no_token(http: httpx.AsyncClient) -> None:
    form = {"grant_type": "client_credentials"}
    assert (await http.post("/v1/oauth2/token", data=form, auth=("id", "wrong"))).status_code == 401
    assert (await http.post("/v1/oauth2/token", data=form)).status_code == 401


async def test_without_a_token_nothing_is_answered(http: httpx.AsyncClient) -> None:
    for method, path in [("POST", "/v2/checkout/orders"), ("GET", "/v2/checkout/orders/X")]:
        answer = await http.request(method, path, json={})
        assert (answer.status_code, answer.json()["name"]) == (401, "AUTHENTICATION_FAILURE")


async def test_a_created_order_asks_for_the_payers_action(merchant: httpx.AsyncClient) -> None:
    order = await create(merchant)
    assert order["status"] == "PAYER_ACTION_REQUIRED"
    assert link(order, "payer-action") == f"http://office.test/paypal-simulator/checkoutnow?token={order['id']}"
    assert (await merchant.get(link(order, "self"))).json()["id"] == order["id"]


async def test_an_order_without_a_source_has_the_older_approve_link(merchant: httpx.AsyncClient) -> None:
    context = ORDER["payment_source"]["paypal"]["experience_context"]
    body = {"intent": "AUTHORIZE", "purchase_units": ORDER["purchase_units"], "application_context": context}
    order = (await merchant.post("/v2/checkout/orders", json=body)).json()
    assert order["status"] == "CREATED"
    assert "checkoutnow" in link(order, "approve")


async def test_the_same_request_id_is_one_order(merchant: httpx.AsyncClient) -> None:
    assert (await create(merchant))["id"] == (await create(merchant))["id"]
    assert (await create(merchant))["id"] != (await create(merchant, "create-2"))["id"]


async def test_an_unapproved_order_is_not_authorised(merchant: httpx.AsyncClient) -> None:
    order = await create(merchant)
    answer = await merchant.post(f"/v2/checkout/orders/{order['id']}/authorize", json={})
    assert (answer.status_code, issue(answer)) == (422, "ORDER_NOT_APPROVED")


async def test_capture_happens_once(merchant: httpx.AsyncClient) -> None:
    order, authorization = await authorised(merchant)
    path = f"/v2/payments/authorizations/{authorization}/capture"
    first = await merchant.post(path, json={}, headers={"PayPal-Request-Id": "capture-1"})
    again = await merchant.post(path, json={}, headers={"PayPal-Request-Id": "capture-1"})
    other = await merchant.post(path, json={}, headers={"PayPal-Request-Id": "capture-2"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert first.json() == again.json()
    assert issue(other) == "AUTHORIZATION_ALREADY_CAPTURED"
    payments = (await merchant.get(f"/v2/checkout/orders/{order['id']}")).json()["purchase_units"][0]["payments"]
    assert [capture["amount"]["value"] for capture in payments["captures"]] == ["13.00"]
    assert payments["authorizations"][0]["status"] == "CAPTURED"


async def test_a_voided_authorization_is_never_captured(merchant: httpx.AsyncClient) -> None:
    _, authorization = await authorised(merchant)
    path = f"/v2/payments/authorizations/{authorization}"
    assert (await merchant.post(f"{path}/void")).status_code == 204
    assert issue(await merchant.post(f"{path}/void")) == "PREVIOUSLY_VOIDED"
    assert issue(await merchant.post(f"{path}/capture", json={})) == "AUTHORIZATION_VOIDED"
    assert (await merchant.get(path)).json()["status"] == "VOIDED"


async def test_never_more_is_refunded_than_was_captured(merchant: httpx.AsyncClient) -> None:
    _, authorization = await authorised(merchant)
    capture = (await merchant.post(f"/v2/payments/authorizations/{authorization}/capture", json={})).json()
    path = f"/v2/payments/captures/{capture['id']}"
    five = {"amount": {"currency_code": "EUR", "value": "5.00"}}
    refund = await merchant.post(f"{path}/refund", json=five)
    assert link(refund.json(), "up").endswith(capture["id"])
    assert (await merchant.get(path)).json()["status"] == "PARTIALLY_REFUNDED"
    too_much = {"amount": {"currency_code": "EUR", "value": "8.01"}}
    assert issue(await merchant.post(f"{path}/refund", json=too_much)) == "REFUND_AMOUNT_EXCEEDED"
    assert (await merchant.post(f"{path}/refund", json={})).json()["amount"]["value"] == "8.00"
    assert issue(await merchant.post(f"{path}/refund", json={})) == "CAPTURE_FULLY_REFUNDED"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"intent": "CAPTURE"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"purchase_units": []}, 400, "INVALID_ARRAY_MAX_ITEMS"),
        ({"purchase_units": [{"amount": {"currency_code": "EUR", "value": "13"}}]}, 400, "INVALID_PARAMETER_SYNTAX"),
        (
            {"purchase_units": [{"amount": {"currency_code": "EUR", "value": "0.00"}}]},
            422,
            "CANNOT_BE_ZERO_OR_NEGATIVE",
        ),
        ({"payment_source": {"paypal": {}}}, 400, "INVALID_PARAMETER_SYNTAX"),
    ],
)
async def test_malformed_orders_are_refused(merchant: httpx.AsyncClient, change: Json, status: int, code: str) -> None:
    answer = await merchant.post("/v2/checkout/orders", json=ORDER | change, headers={"PayPal-Request-Id": "x"})
    assert (answer.status_code, issue(answer)) == (status, code)


async def test_items_must_add_up(merchant: httpx.AsyncClient) -> None:
    unit = ORDER["purchase_units"][0]
    wrong = unit | {"items": [unit["items"][0] | {"quantity": "2"}]}
    answer = await merchant.post(
        "/v2/checkout/orders", json=ORDER | {"purchase_units": [wrong]}, headers={"PayPal-Request-Id": "x"}
    )
    assert issue(answer) == "ITEM_TOTAL_MISMATCH"


async def test_unknown_things_do_not_exist(merchant: httpx.AsyncClient) -> None:
    for path in ["checkout/orders/X", "payments/authorizations/X", "payments/captures/X"]:
        answer = await merchant.get(f"/v2/{path}")
        assert (answer.status_code, answer.json()["name"]) == (404, "RESOURCE_NOT_FOUND")


async def test_the_provider_can_be_told_to_decline_and_to_be_away(merchant: httpx.AsyncClient) -> None:
    order = await create(merchant)
    await merchant.post(f"/paypal-simulator/checkoutnow/{order['id']}/approve")
    await merchant.post("/simulator/control", json={"refuse_calls": 1, "decline_authorizations": 1})
    path = f"/v2/checkout/orders/{order['id']}/authorize"
    assert (await merchant.post(path)).status_code == 503
    assert issue(await merchant.post(path)) == "INSTRUMENT_DECLINED"
    assert (await merchant.post("/simulator/control", json={"refuse": 1})).status_code == 422
