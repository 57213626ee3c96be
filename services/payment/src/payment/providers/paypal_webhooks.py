"""Proving that a webhook is PayPal's own.

PayPal signs `transmission id | transmission time | webhook id | crc32(raw body)` with RSA and SHA-256 and names the
address of its certificate. That address comes from whoever posts, so it is fetched only below one fixed origin, at most
a few times a minute, and the certificate must lead to a trusted root and carry PayPal's name.
"""

import asyncio
import base64
import binascii
import json
import re
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import certifi
import httpx
import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from payment.errors import ProviderUnavailable, WebhookRefused
from payment.providers.base import Notice

log = structlog.get_logger(__name__)

SIGNER_NAMES: Final = ("messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com")
MAX_AGE: Final = timedelta(days=4)
"""PayPal repeats a delivery for three days under its first time stamp; older ones are replays."""
MAX_AHEAD: Final = timedelta(hours=2)
"""A clock may be an hour off, in either machine; nothing is gained by a signed time in the future."""
_CERTIFICATE_PATH: Final = re.compile(r"/v1/notifications/certs/CERT-[A-Za-z0-9-]{8,80}")
_TRANSMISSION_ID: Final = re.compile(r"[\x21-\x7b\x7d\x7e]{1,64}")
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_MAX_CERTIFICATE_BYTES: Final = 64 * 1024
_FETCHES_PER_MINUTE: Final = 10
_CACHED: Final = 8


@dataclass(frozen=True)
class _Signer:
    key: rsa.RSAPublicKey
    valid_until: datetime


class WebhookVerifier:
    """Checks webhooks of one PayPal webhook id. `ca_file` replaces the public roots (for the simulator alone).

    `tick`: seconds, by which fetches are counted.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        webhook_id: str,
        certificate_origin: str,
        ca_file: Path | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._webhook_id = webhook_id
        self._origin = certificate_origin.rstrip("/")
        self._ca_file = ca_file
        self._signers: dict[str, _Signer] = {}
        self._fetches: deque[float] = deque(maxlen=_FETCHES_PER_MINUTE)
        self._tick = tick
        self._lock = asyncio.Lock()

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """The notice of a genuine, recent webhook.

        `headers` are looked up in lower case; `body` is the request as it came. Raises WebhookRefused when it is not
        genuine, ProviderUnavailable when the certificate cannot be had now (the provider will deliver again).
        """
        transmission_id = headers.get("paypal-transmission-id", "")
        if not _TRANSMISSION_ID.fullmatch(transmission_id):
            raise _refused("transmission id")
        sent = headers.get("paypal-transmission-time", "")
        _check_age(sent, now)
        if headers.get("paypal-auth-algo", "").lower() != "sha256withrsa":
            raise _refused("algorithm")  # the sender does not choose how strictly it is checked
        try:
            signature = base64.b64decode(headers.get("paypal-transmission-sig", ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refused("signature encoding") from error
        signer = await self._signer(headers.get("paypal-cert-url", ""), now)
        message = f"{transmission_id}|{sent}|{self._webhook_id}|{zlib.crc32(body)}".encode()
        try:
            signer.key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise _refused("signature") from error
        return _notice(transmission_id, body)

    async def _signer(self, url: str, now: datetime) -> _Signer:
        # Compared as text before anything is parsed or fetched: no user info, port, escape or ".." can slip through.
        if not url.startswith(self._origin + "/") or not _CERTIFICATE_PATH.fullmatch(url[len(self._origin) :]):
            raise _refused("certificate address")
        async with self._lock:
            known = self._signers.get(url)
            if known and now < known.valid_until:
                return known
            signer = await asyncio.to_thread(self._validate, await self._fetch(url), now)
            self._signers[url] = signer
            while len(self._signers) > _CACHED:
                del self._signers[next(iter(self._signers))]
            return signer

    async def _fetch(self, url: str) -> bytes:
        tick = self._tick()
        if len(self._fetches) == _FETCHES_PER_MINUTE and tick - self._fetches[0] < 60:
            raise ProviderUnavailable("Too many new certificates in a minute.")
        self._fetches.append(tick)
        content = b""
        try:
            async with asyncio.timeout(10), self._client.stream("GET", url, follow_redirects=False) as answer:
                if answer.status_code >= 500:
                    raise ProviderUnavailable
                if answer.status_code != 200:
                    raise _refused("certificate missing")
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > _MAX_CERTIFICATE_BYTES:
                        raise _refused("certificate too large")
        except (httpx.HTTPError, TimeoutError) as error:
            raise ProviderUnavailable from error
        return content

    def _validate(self, pem: bytes, now: datetime) -> _Signer:
        try:
            leaf, *intermediates = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise _refused("certificate unreadable") from error
        builder = PolicyBuilder().store(self._trust_store()).time(now)
        for name in SIGNER_NAMES:
            try:
                builder.build_server_verifier(x509.DNSName(name)).verify(leaf, intermediates)
            except VerificationError as error:
                log.info("certificate_not_accepted", host=name, reason=str(error))
            else:
                key = leaf.public_key()
                if isinstance(key, rsa.RSAPublicKey):
                    return _Signer(key, leaf.not_valid_after_utc)
        raise _refused("certificate not trusted")

    def _trust_store(self) -> Store:
        """Read for every new certificate: a simulator that restarts has a new authority."""
        path = self._ca_file or Path(certifi.where())
        try:
            return Store(_readable(path.read_bytes()))
        except (OSError, ValueError) as error:
            log.error("trust_root_unreadable", path=str(path), error=type(error).__name__)
            raise ProviderUnavailable from error


def _readable(bundle: bytes) -> list[x509.Certificate]:
    """The certificates of a bundle, without those public roots that break RFC 5280 and cannot be parsed."""
    found: list[x509.Certificate] = []
    for pem in _PEM.findall(bundle):
        with suppress(ValueError):
            found.append(x509.load_pem_x509_certificate(pem))
    return found


def _check_age(sent: str, now: datetime) -> None:
    try:
        moment = datetime.fromisoformat(sent)
    except ValueError as error:
        raise _refused("transmission time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not now - MAX_AGE < moment < now + MAX_AHEAD:
        raise _refused("stale")


def _notice(transmission_id: str, body: bytes) -> Notice:
    """The ids in a genuine event: of the order, authorization or capture it is about, and our own beside them."""
    try:
        event = json.loads(body)
        resource = event.get("resource") or {}
        related = (resource.get("supplementary_data") or {}).get("related_ids") or {}
        above = [link["href"].rsplit("/", 1)[-1] for link in resource.get("links", []) if link.get("rel") == "up"]
        found: list[Any] = [resource.get("id"), resource.get("custom_id"), *related.values(), *above]
        return Notice(
            transmission_id=transmission_id,
            event_id=str(event["id"])[:200],
            event_type=str(event["event_type"])[:200],
            references=frozenset(entry for entry in found if isinstance(entry, str) and entry),
        )
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise _refused("event unreadable") from error


def _refused(check: str) -> WebhookRefused:
    log.warning("webhook_refused", check=check)
    return WebhookRefused("The webhook was not accepted.")
