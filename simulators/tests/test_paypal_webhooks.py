"""Webhooks of the simulator: signed as PayPal's, delivered at least once, held or repeated when a test asks."""

import asyncio
import base64
import json
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store

from simulators.paypal.app import build
from simulators.paypal.certificates import SIGNER_NAME
from simulators.paypal.ledger import Ledger
from simulators.paypal.settings import Settings

ORDER = {
    "intent": "AUTHORIZE",
    "purchase_units": [{"amount": {"currency_code": "EUR", "value": "13.00"}}],
    "payment_source": {"paypal": {"experience_context": {"return_url": "http://o/", "cancel_url": "http://o/"}}},
}


@dataclass
class Merchant:
    """Receives webhooks, and refuses the first ones when told so."""

    refuse: int = 0
    got: list[httpx.Request] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        self.arrived.set()
        if self.refuse:
            self.refuse -= 1
            return httpx.Response(503)
        return httpx.Response(204)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.arrived.clear()
                await self.arrived.wait()

    @property
    def types(self) -> list[str]:
        return [json.loads(request.content)["event_type"] for request in self.got]


@pytest.fixture
def merchant() -> Merchant:
    return Merchant()


@pytest.fixture
async def http(merchant: Merchant, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        paypal_port=1,
        paypal_client_id="id",
        paypal_client_secret="secret",
        paypal_webhook_id="WH1",
        paypal_api_url="http://paypal.test",
        paypal_public_url="http://paypal.test/paypal-simulator",
        paypal_webhook_target="http://merchant.test/hook",
        paypal_ca_file=tmp_path / "new" / "ca.pem",
    )
    app = build(settings, httpx.AsyncClient(transport=httpx.MockTransport(merchant.receive)))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://paypal.test") as client,
    ):
        answer = await client.post("/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=("id", "secret"))
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


async def authorise(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v2/checkout/orders", json=ORDER, headers={"PayPal-Request-Id": "1"})
    order_id = answer.json()["id"]
    await http.post(f"/paypal-simulator/checkoutnow/{order_id}/approve")
    await http.post(f"/v2/checkout/orders/{order_id}/authorize")


async def test_a_webhook_is_signed_with_a_certificate_of_its_own_authority(
    http: httpx.AsyncClient, merchant: Merchant, tmp_path: Path
) -> None:
    await authorise(http)
    await merchant.until(lambda: len(merchant.got) == 2)
    request = merchant.got[0]
    pem = (await http.get(request.headers["PAYPAL-CERT-URL"])).content
    leaf = x509.load_pem_x509_certificate(pem)
    store = Store(x509.load_pem_x509_certificates((tmp_path / "new" / "ca.pem").read_bytes()))
    PolicyBuilder().store(store).time(datetime.now(UTC)).build_server_verifier(x509.DNSName(SIGNER_NAME)).verify(
        leaf, []
    )
    head = request.headers["PAYPAL-TRANSMISSION-ID"], request.headers["PAYPAL-TRANSMISSION-TIME"]
    message = f"{head[0]}|{head[1]}|WH1|{zlib.crc32(request.content)}".encode()
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(request.headers["PAYPAL-TRANSMISSION-SIG"])
    key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


async def test_a_refused_webhook_comes_again_unchanged(http: httpx.AsyncClient, merchant: Merchant) -> None:
    merchant.refuse = 1
    await authorise(http)
    await merchant.until(lambda: len(merchant.got) == 3)
    by_id: dict[str, list[httpx.Request]] = {}
    for request in merchant.got:
        by_id.setdefault(request.headers["PAYPAL-TRANSMISSION-ID"], []).append(request)
    repeated = next(requests for requests in by_id.values() if len(requests) == 2)
    assert repeated[0].content == repeated[1].content
    assert repeated[0].headers == repeated[1].headers


async def test_held_webhooks_wait_for_their_release_and_come_in_copies(
    http: httpx.AsyncClient, merchant: Merchant
) -> None:
    await http.post("/simulator/control", json={"hold_webhooks": True, "webhook_copies": 2, "shuffle_webhooks": True})
    await authorise(http)
    held = (await http.get("/simulator/control")).json()["held"]
    assert [webhook["event_type"] for webhook in held] == ["CHECKOUT.ORDER.APPROVED", "PAYMENT.AUTHORIZATION.CREATED"]
    assert merchant.got == []
    assert (await http.post("/simulator/control/release")).json() == {"released": 2}
    await merchant.until(lambda: len(merchant.got) == 4)
    assert sorted(merchant.types) == sorted([webhook["event_type"] for webhook in held] * 2)


async def test_lost_webhooks_never_come(http: httpx.AsyncClient, merchant: Merchant) -> None:
    await http.post("/simulator/control", json={"lose_webhooks": True})
    await authorise(http)
    assert (await http.get("/simulator/control")).json()["sent"] == []
    assert merchant.got == []


def test_every_change_of_the_books_is_announced() -> None:
    seen: list[str] = []
    ledger = Ledger(lambda event_type, order, part: seen.append(event_type))
    order = ledger.create(ORDER)
    ledger.approve(order.id)
    ledger.approve(order.id)
    ledger.authorize(order.id)
    assert order.authorization
    _, capture = ledger.capture(order.authorization.id, {})
    ledger.refund(capture.id, {})
    assert seen == [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.AUTHORIZATION.CREATED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
    ]
