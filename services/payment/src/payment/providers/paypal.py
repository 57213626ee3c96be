"""PayPal: Orders v2 with intent AUTHORIZE, Payments v2, and webhooks (developer.paypal.com, "Orders", "Payments").

No name, address or mail of the citizen is sent; PayPal learns them from the payer alone.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import httpx
import stamina
import structlog
from pydantic import BaseModel, ValidationError

from payment.errors import ProviderUnavailable
from payment.metrics import PROVIDER_SECONDS
from payment.model import Order, Snapshot
from payment.providers.base import Approval, Notice, Return
from payment.providers.paypal_books import (
    PayPalAuthorization,
    PayPalCapture,
    PayPalOrder,
    money,
    snapshot_of_order,
    snapshot_of_parts,
)
from payment.providers.paypal_webhooks import WebhookVerifier

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BaseModel)

TIMEOUT: Final = httpx.Timeout(8.0, connect=3.0)
_TRIES: Final = 3
_CALL_SECONDS: Final = 12.0
"""For one call with all its repetitions; a worker's lease is longer than the three calls of one round."""
_NAME_LENGTH: Final = 127
_DECLINED: Final = frozenset(
    {"INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "PAYEE_BLOCKED_TRANSACTION", "TRANSACTION_REFUSED"}
)
_LOCALES: Final = {"de": "de-DE", "en": "en-GB"}


class Refusal(Exception):
    """PayPal understood and said no."""

    def __init__(self, status: int, issue: str) -> None:
        super().__init__(f"{status} {issue}")
        self.status, self.issue = status, issue


class _Again(Exception):
    """No answer, or one that a repetition may better."""


def http_client() -> httpx.AsyncClient:
    """A client that follows no redirect, takes nothing from the environment and waits seconds, not minutes."""
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


class PayPal:
    """The adapter. `client` is closed by whoever made it."""

    name = "paypal"

    def __init__(
        self, client: httpx.AsyncClient, api_url: str, client_id: str, client_secret: str, verifier: WebhookVerifier
    ) -> None:
        self._client = client
        self._api = api_url.rstrip("/")
        self._credentials = httpx.BasicAuth(client_id, client_secret)
        self._verifier = verifier
        self._token = ""
        self._token_until = 0.0
        self._token_lock = asyncio.Lock()

    async def create(self, order: Order, back: Return) -> Approval:
        """Open the order at PayPal and answer where the payer approves it."""
        total = money(order.amount_cents, order.currency)
        unit = {
            "custom_id": str(order.id),
            "invoice_id": str(order.id),
            "description": order.reference[:_NAME_LENGTH],
            "amount": total | {"breakdown": {"item_total": total}},
            "items": [
                {
                    "name": item.text.in_language(order.language)[:_NAME_LENGTH],
                    "quantity": "1",
                    "unit_amount": money(item.amount_cents, order.currency),
                }
                for item in order.items
            ],
        }
        context = {
            "brand_name": back.payee[:_NAME_LENGTH],
            "locale": _LOCALES[order.language],
            "shipping_preference": "NO_SHIPPING",
            "user_action": "PAY_NOW",
            "return_url": back.approved_url,
            "cancel_url": back.cancelled_url,
        }
        body = {
            "intent": "AUTHORIZE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }
        try:
            answer = await self._call("POST", "/v2/checkout/orders", body, request_id=f"{order.id}-create")
        except Refusal as refusal:
            raise ProviderUnavailable from refusal
        created = _parse(PayPalOrder, answer)
        url = created.link("payer-action") or created.link("approve")
        if url is None or not url.startswith(("https://", "http://")):  # it goes to the payer's browser
            raise ProviderUnavailable("The payment provider did not say where to approve the payment.")
        return Approval(created.id, url)

    async def read(self, order: Order) -> Snapshot:
        """PayPal's books on this order."""
        try:
            answer = await self._call("GET", f"/v2/checkout/orders/{order.provider_order_id}")
        except Refusal as refusal:
            if refusal.status == 404:
                return await self._read_parts(order)
            raise ProviderUnavailable from refusal
        return snapshot_of_order(_parse(PayPalOrder, answer))

    async def _read_parts(self, order: Order) -> Snapshot:
        """An order that PayPal no longer shows may still have its authorization and capture."""
        if order.authorization_id is None:
            return Snapshot("missing")
        try:
            reserved = await self._call("GET", f"/v2/payments/authorizations/{order.authorization_id}")
            taken = None
            if order.capture_id:
                taken = await self._call("GET", f"/v2/payments/captures/{order.capture_id}")
        except Refusal as refusal:
            if refusal.status == 404:
                return Snapshot("missing")
            raise ProviderUnavailable from refusal
        capture = _parse(PayPalCapture, taken) if taken else None
        return snapshot_of_parts(_parse(PayPalAuthorization, reserved), capture)

    async def authorise(self, order: Order) -> Snapshot:
        """Reserve what the payer approved."""
        return await self._act(order, f"/v2/checkout/orders/{order.provider_order_id}/authorize", {}, "authorise")

    async def capture(self, order: Order) -> Snapshot:
        """Take the reserved money."""
        body = {
            "amount": money(order.amount_cents, order.currency),
            "final_capture": True,
            "invoice_id": str(order.id),
        }
        return await self._act(order, f"/v2/payments/authorizations/{order.authorization_id}/capture", body, "capture")

    async def void(self, order: Order) -> Snapshot:
        """Give the reservation back."""
        return await self._act(order, f"/v2/payments/authorizations/{order.authorization_id}/void", {}, "void")

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Prove a webhook; see paypal_webhooks."""
        return await self._verifier.verify(headers, body, now)

    async def _act(self, order: Order, path: str, body: dict[str, Any], what: str) -> Snapshot:
        try:
            await self._call("POST", path, body, request_id=f"{order.id}-{what}")
        except Refusal as refusal:
            log.warning("provider_refused", order_id=str(order.id), act=what, issue=refusal.issue)
            if refusal.issue in _DECLINED:
                return Snapshot("declined")
            if refusal.issue == "AUTHORIZATION_EXPIRED":
                return Snapshot("expired")
            # Anything else ("already captured", "previously voided") is an opinion about the books: read them.
        return await self.read(order)

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, request_id: str | None = None
    ) -> bytes:
        """One call, repeated while it has no clear answer: every POST here carries PayPal-Request-Id."""
        act = request_id.rpartition("-")[2] if request_id else "read"
        started, outcome = time.monotonic(), "unavailable"
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                async for attempt in stamina.retry_context(
                    on=_Again, attempts=_TRIES, timeout=_CALL_SECONDS, wait_initial=0.2, wait_max=1.0, wait_jitter=0.2
                ):
                    with attempt:
                        answer = await self._once(method, path, body, request_id)
                        outcome = "done"
                        return answer
        except Refusal:
            outcome = "refused"
            raise
        except (_Again, TimeoutError) as error:
            log.warning("provider_unavailable", method=method, error=repr(error.__cause__ or error))
            raise ProviderUnavailable from error
        finally:
            PROVIDER_SECONDS.labels(self.name, act, outcome).observe(time.monotonic() - started)
        raise AssertionError("a retry context ends by answer or error")

    async def _once(self, method: str, path: str, body: dict[str, Any] | None, request_id: str | None) -> bytes:
        headers = {"Authorization": f"Bearer {await self._access()}", "Prefer": "return=representation"}
        if request_id:
            headers["PayPal-Request-Id"] = request_id
        try:
            answer = await self._client.request(method, self._api + path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise _Again from error
        if answer.status_code == 401:
            self._token_until = 0.0
            raise _Again("token refused")
        # 409: PayPal is still busy with the first of two equal requests
        if answer.status_code in (409, 429) or answer.status_code >= 500:
            raise _Again(f"status {answer.status_code}")
        if not answer.is_success:
            raise Refusal(answer.status_code, _issue(answer))
        return answer.content

    async def _access(self) -> str:
        """The access token, fetched once per lifetime (nine hours at PayPal) and renewed a minute before its end."""
        async with self._token_lock:
            if time.monotonic() < self._token_until:
                return self._token
            try:
                answer = await self._client.post(
                    f"{self._api}/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=self._credentials
                )
            except httpx.HTTPError as error:
                raise _Again from error
            if not answer.is_success:
                raise _Again(f"token: status {answer.status_code}")
            try:
                issued = answer.json()
                self._token = str(issued["access_token"])
                self._token_until = time.monotonic() + float(issued["expires_in"]) - 60
            except (ValueError, KeyError, TypeError) as error:
                raise _Again("token: unreadable answer") from error
            return self._token


def _issue(answer: httpx.Response) -> str:
    try:
        problem = json.loads(answer.content)
        details = problem.get("details") or [{}]
        return str(details[0].get("issue") or problem.get("name") or "")
    except (ValueError, AttributeError, LookupError):
        return ""


def _parse(model: type[M], content: bytes) -> M:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        log.error("provider_answer_unreadable", model=model.__name__, errors=error.error_count())
        raise ProviderUnavailable from error
