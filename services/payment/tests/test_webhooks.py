"""F15, S38, S39: webhooks duplicated, shuffled, forged, stale, tampered; and where certificates may come from."""

import asyncio
import base64
import json
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from payment.errors import ProviderUnavailable, WebhookRefused
from payment.providers.paypal_webhooks import WebhookVerifier
from simulators.paypal.certificates import Signer, make_signer

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


# The verifier alone: certificates

ORIGIN = "https://api.paypal.test"
NOW = datetime.now(UTC)
BODY = b'{"id": "WH-1", "event_type": "X", "resource": {"id": "P1"}}'


class Host:
    """Serves one certificate and counts."""

    def __init__(self, pem: bytes) -> None:
        self.pem, self.asked, self.status = pem, 0, 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(self.status, content=self.pem, headers={"location": "http://127.0.0.1/"})


def verifier(host: Host, signer: Signer, tmp_path: Path) -> WebhookVerifier:
    path = tmp_path / "ca.pem"
    path.write_bytes(signer.ca_pem)
    return WebhookVerifier(httpx.AsyncClient(transport=httpx.MockTransport(host)), "WH", ORIGIN, path)


def headers(signer: Signer, url: str = f"{ORIGIN}/v1/notifications/certs/CERT-12345678", **more: str) -> dict[str, str]:
    sent = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    message = f"T1|{sent}|WH|{zlib.crc32(BODY)}".encode()
    return {
        "paypal-transmission-id": "T1",
        "paypal-transmission-time": sent,
        "paypal-transmission-sig": base64.b64encode(signer.sign(message)).decode(),
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-cert-url": url,
    } | more


@pytest.fixture(scope="module")
def signer() -> Signer:
    return make_signer()


async def test_a_genuine_webhook_names_where_to_look(signer: Signer, tmp_path: Path) -> None:
    host = Host(signer.certificate_pem)
    check = verifier(host, signer, tmp_path)
    notices = await asyncio.gather(*(check.verify(headers(signer), BODY, NOW) for _ in range(5)))
    assert {notice.references for notice in notices} == {frozenset({"P1"})}
    assert host.asked == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://api.paypal.test/v1/notifications/certs/CERT-12345678",
        "https://api.paypal.test.evil.test/v1/notifications/certs/CERT-12345678",
        "https://api.paypal.test@evil.test/v1/notifications/certs/CERT-12345678",
        "https://api.paypal.test:444/v1/notifications/certs/CERT-12345678",
        "https://api.paypal.test/v1/notifications/certs/../../admin",
        "https://api.paypal.test/v1/notifications/certs/CERT-12345678?next=http://evil.test",
        "https://api.paypal.test/v1/notifications/certs/CERT-12345678#x",
        "https://api.paypal.test/redirect?to=http://evil.test",
        "file:///etc/passwd",
    ],
)
async def test_nothing_is_fetched_from_anywhere_else(signer: Signer, tmp_path: Path, url: str) -> None:
    host = Host(signer.certificate_pem)
    with pytest.raises(WebhookRefused):
        await verifier(host, signer, tmp_path).verify(headers(signer, url), BODY, NOW)
    assert host.asked == 0


async def test_a_redirect_of_the_certificate_is_not_followed(signer: Signer, tmp_path: Path) -> None:
    host = Host(signer.certificate_pem)
    host.status = 302
    with pytest.raises(WebhookRefused):
        await verifier(host, signer, tmp_path).verify(headers(signer), BODY, NOW)
    assert host.asked == 1


async def test_a_certificate_of_another_authority_is_not_trusted(signer: Signer, tmp_path: Path) -> None:
    other = make_signer()
    with pytest.raises(WebhookRefused):
        await verifier(Host(other.certificate_pem), signer, tmp_path).verify(headers(other), BODY, NOW)


async def test_a_trusted_certificate_with_another_name_is_not_paypals(tmp_path: Path) -> None:
    other = make_signer("www.evil.test")
    with pytest.raises(WebhookRefused):
        await verifier(Host(other.certificate_pem), other, tmp_path).verify(headers(other), BODY, NOW)


async def test_the_authority_itself_signs_no_webhooks(signer: Signer, tmp_path: Path) -> None:
    with pytest.raises(WebhookRefused):
        await verifier(Host(signer.ca_pem), signer, tmp_path).verify(headers(signer), BODY, NOW)


async def test_an_expired_certificate_is_not_trusted_even_from_the_cache(signer: Signer, tmp_path: Path) -> None:
    check = verifier(Host(signer.certificate_pem), signer, tmp_path)
    await check.verify(headers(signer), BODY, NOW)
    later = NOW + timedelta(days=31)
    fresh = headers(signer, **{"paypal-transmission-time": later.strftime("%Y-%m-%dT%H:%M:%SZ")})
    with pytest.raises(WebhookRefused):
        await check.verify(fresh, BODY, later)


@pytest.mark.parametrize("pem", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"])
async def test_an_unreadable_certificate_is_refused(signer: Signer, tmp_path: Path, pem: bytes) -> None:
    with pytest.raises(WebhookRefused):
        await verifier(Host(pem), signer, tmp_path).verify(headers(signer), BODY, NOW)


async def test_an_endless_certificate_is_cut_off(signer: Signer, tmp_path: Path) -> None:
    with pytest.raises(WebhookRefused):
        await verifier(Host(b"x" * 100_000), signer, tmp_path).verify(headers(signer), BODY, NOW)


async def test_strangers_cannot_make_us_fetch_certificates_without_end(signer: Signer, tmp_path: Path) -> None:
    host = Host(b"nonsense")
    check = verifier(host, signer, tmp_path)
    for n in range(30):
        with pytest.raises((WebhookRefused, ProviderUnavailable)):
            await check.verify(headers(signer, f"{ORIGIN}/v1/notifications/certs/CERT-{n:08d}"), BODY, NOW)
    assert host.asked == 10


async def test_an_absent_certificate_host_means_try_again(signer: Signer, tmp_path: Path) -> None:
    host = Host(b"")
    host.status = 503
    with pytest.raises(ProviderUnavailable):
        await verifier(host, signer, tmp_path).verify(headers(signer), BODY, NOW)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
async def test_the_public_authorities_are_readable(signer: Signer) -> None:
    """Without a simulator's authority the public ones decide, and they do not know the simulator."""
    host = Host(signer.certificate_pem)
    check = WebhookVerifier(httpx.AsyncClient(transport=httpx.MockTransport(host)), "WH", ORIGIN)
    with pytest.raises(WebhookRefused):
        await check.verify(headers(signer), BODY, NOW)


def test_the_test_signer_is_an_ordinary_certificate(signer: Signer) -> None:
    leaf = x509.load_pem_x509_certificate(signer.certificate_pem)
    assert leaf.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ) == signer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
