"""S39: whether a webhook is PayPal's own: how old it may be, and which certificate signs it, from where."""

import asyncio
import base64
import time
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from payment.errors import ProviderUnavailable, WebhookRefused
from payment.providers.paypal_webhooks import MAX_AGE, MAX_AHEAD, WebhookVerifier
from simulators.paypal.certificates import Signer, make_signer

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


def verifier(host: Host, signer: Signer, tmp_path: Path, tick: Callable[[], float] = time.monotonic) -> WebhookVerifier:
    path = tmp_path / "ca.pem"
    path.write_bytes(signer.ca_pem)
    return WebhookVerifier(httpx.AsyncClient(transport=httpx.MockTransport(host)), "WH", ORIGIN, path, tick)


def headers(signer: Signer, url: str = f"{ORIGIN}/v1/notifications/certs/CERT-12345678", **more: str) -> dict[str, str]:
    sent = more.get("paypal-transmission-time", NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
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


@pytest.mark.parametrize(
    ("ago", "is_taken"),
    [
        (MAX_AGE, False),
        (MAX_AGE - timedelta(seconds=1), True),
        (timedelta(), True),
        (-MAX_AHEAD + timedelta(seconds=1), True),
        (-MAX_AHEAD, False),
    ],
)
async def test_a_time_stamp_may_be_days_old_and_hours_ahead_and_no_more(
    signer: Signer, tmp_path: Path, ago: timedelta, is_taken: bool
) -> None:
    now = NOW.replace(microsecond=0)
    sent = headers(signer, **{"paypal-transmission-time": (now - ago).strftime("%Y-%m-%dT%H:%M:%SZ")})
    check = verifier(Host(signer.certificate_pem), signer, tmp_path)
    with nullcontext() if is_taken else pytest.raises(WebhookRefused):
        await check.verify(sent, BODY, now)


@pytest.mark.parametrize(
    ("zone", "is_taken"),
    [("", True), ("+00:00", True), ("+03:00", True), ("-03:00", False)],  # three hours ago; three hours ahead
)
async def test_a_time_stamp_says_in_which_zone_it_is_or_is_of_utc(
    signer: Signer, tmp_path: Path, zone: str, is_taken: bool
) -> None:
    sent = headers(signer, **{"paypal-transmission-time": NOW.strftime("%Y-%m-%dT%H:%M:%S") + zone})
    check = verifier(Host(signer.certificate_pem), signer, tmp_path)
    with nullcontext() if is_taken else pytest.raises(WebhookRefused):
        await check.verify(sent, BODY, NOW)


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


async def test_a_minute_later_they_are_fetched_again(signer: Signer, tmp_path: Path) -> None:
    host, tick = Host(b"nonsense"), 1000.0
    check = verifier(host, signer, tmp_path, lambda: tick)

    async def ask(times: int) -> int:
        before = host.asked
        for n in range(times):
            with pytest.raises((WebhookRefused, ProviderUnavailable)):
                await check.verify(headers(signer, f"{ORIGIN}/v1/notifications/certs/CERT-{n:08d}"), BODY, NOW)
        return host.asked - before

    assert await ask(5) == 5
    tick += 30
    assert await ask(6) == 5
    tick += 29
    assert await ask(1) == 0
    tick += 1
    assert await ask(6) == 5, "of the ten five are of the last minute"


async def test_only_the_newest_certificates_are_kept(signer: Signer, tmp_path: Path) -> None:
    host = Host(signer.certificate_pem)
    check = verifier(host, signer, tmp_path)

    async def ask(n: int) -> int:
        before = host.asked
        await check.verify(headers(signer, f"{ORIGIN}/v1/notifications/certs/CERT-{n:08d}"), BODY, NOW)
        return host.asked - before

    assert [await ask(n) for n in range(9)] == [1] * 9
    assert [await ask(n) for n in (8, 1, 0)] == [0, 0, 1]


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
