"""Tells the merchant what happened: signed, at least once, in no promised order, retried until a 2xx answer."""

import asyncio
import base64
import json
import logging
import secrets
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import httpx

from simulators.paypal.certificates import Signer
from simulators.paypal.ledger import Json, rfc3339

log = logging.getLogger(__name__)

_MAX_ATTEMPTS = 25  # PayPal's number; it spreads them over three days, a simulator over a few minutes
_FIRST_RETRY, _LAST_RETRY = 0.2, 10.0


@dataclass
class Transmission:
    """One signed delivery: the very bytes and headers that every attempt repeats."""

    id: str
    event_type: str
    headers: dict[str, str]
    body: bytes
    attempts: int = 0
    status: int | None = None

    def view(self) -> Json:
        """What the control interface shows: enough to post it, changed or not, from a test."""
        return {
            "transmission_id": self.id,
            "event_type": self.event_type,
            "headers": self.headers,
            "body": self.body.decode(),
            "attempts": self.attempts,
            "status": self.status,
        }


@dataclass
class Sender:
    """Signs events and posts them to one target."""

    signer: Signer
    webhook_id: str
    certificate_url: str
    target: str | None
    client: httpx.AsyncClient
    hold: bool = False
    """Keep deliveries back until `release`."""
    lose: bool = False
    """Throw deliveries away, as if the network had: only re-reading the provider's state helps then."""
    copies: int = 1
    shuffle: bool = False
    held: list[Transmission] = field(default_factory=list)
    sent: list[Transmission] = field(default_factory=list)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def event(self, event_type: str, resource_type: str, resource: Json) -> None:
        """Announces a change; delivery happens in the background."""
        body = {
            "id": f"WH-{secrets.token_hex(9).upper()}-{secrets.token_hex(9).upper()}",
            "event_version": "1.0",
            "create_time": rfc3339(datetime.now(UTC)),
            "resource_type": resource_type,
            "resource_version": "2.0",
            "event_type": event_type,
            "summary": f"{event_type} ({resource.get('status', '')})",
            "resource": resource,
            "links": [],
        }
        transmission = self.sign(event_type, json.dumps(body, separators=(",", ":")).encode())
        if self.lose or not self.target:
            return
        if self.hold:
            self.held.append(transmission)
        else:
            self._deliver([transmission])

    def sign(self, event_type: str, body: bytes, *, sent_at: datetime | None = None) -> Transmission:
        """A transmission over `body`, signed as PayPal does: id | time | webhook id | crc32 of the raw body."""
        identity, moment = str(uuid4()), rfc3339(sent_at or datetime.now(UTC))
        message = f"{identity}|{moment}|{self.webhook_id}|{zlib.crc32(body)}".encode()
        headers = {
            "PAYPAL-TRANSMISSION-ID": identity,
            "PAYPAL-TRANSMISSION-TIME": moment,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(self.signer.sign(message)).decode(),
            "PAYPAL-CERT-URL": self.certificate_url,
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-AUTH-VERSION": "v2",
            "Content-Type": "application/json",
        }
        return Transmission(identity, event_type, headers, body)

    def release(self) -> int:
        """Delivers what was held back, shuffled if asked for; loses it when told to lose; answers how many."""
        waiting, self.held = self.held, []
        if self.lose:
            return 0
        if self.shuffle:
            secrets.SystemRandom().shuffle(waiting)
        self._deliver(waiting)
        return len(waiting)

    def _deliver(self, transmissions: list[Transmission]) -> None:
        self.sent.extend(transmissions)
        for transmission in transmissions:
            for _ in range(self.copies):
                task = asyncio.create_task(self._attempts(transmission))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _attempts(self, transmission: Transmission) -> None:
        pause = _FIRST_RETRY
        for _ in range(_MAX_ATTEMPTS):
            transmission.attempts += 1
            try:
                answer = await self.client.post(
                    str(self.target), content=transmission.body, headers=transmission.headers
                )
                transmission.status = answer.status_code
                if answer.is_success:
                    return
                log.warning("webhook %s refused with %s", transmission.event_type, answer.status_code)
            except httpx.HTTPError as error:
                log.warning("webhook %s not delivered: %s", transmission.event_type, type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_RETRY)

    async def close(self) -> None:
        """Stops what is under way; undelivered webhooks are lost with the process."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.client.aclose()
