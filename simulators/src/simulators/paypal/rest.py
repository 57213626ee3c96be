"""PayPal's REST interface: token, orders, authorizations, captures, refunds, certificates."""

import asyncio
import base64
import binascii
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Header, Request, Response

from simulators.paypal.certificates import Signer
from simulators.paypal.errors import PayPalError, invalid, not_found, unauthenticated
from simulators.paypal.ledger import Json, Ledger
from simulators.paypal.settings import Settings
from simulators.paypal.wire import Wire

_TOKEN_SECONDS = 32_400
_TOKENS_KEPT = 1_000


@dataclass
class Access:
    """The tokens that were handed out, and when they end (monotonic seconds)."""

    client_id: str
    client_secret: str
    tokens: dict[str, float] = field(default_factory=dict)

    def issue(self, authorization: str | None) -> str:
        """A token for the right client credentials (HTTP Basic)."""
        try:
            scheme, _, encoded = (authorization or "").partition(" ")
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            scheme, given = "", b""
        wanted = f"{self.client_id}:{self.client_secret}".encode()
        if scheme.lower() != "basic" or not hmac.compare_digest(given, wanted):
            raise PayPalError(401, "invalid_client", "Client Authentication failed")
        token = "A21AA" + secrets.token_urlsafe(48)
        self.tokens[token] = time.monotonic() + _TOKEN_SECONDS
        while len(self.tokens) > _TOKENS_KEPT:
            del self.tokens[next(iter(self.tokens))]
        return token

    def check(self, authorization: str | None) -> None:
        """Raises AUTHENTICATION_FAILURE unless the header carries a live token."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or self.tokens.get(token, 0.0) < time.monotonic():
            raise unauthenticated()


@dataclass
class Faults:
    """What tests ask to go wrong."""

    refuse: int = 0
    """So many of the next calls answer 503 and do nothing."""
    lose_answer: int = 0
    """So many of the next captures happen, but their answer never comes."""
    silence_seconds: float = 60.0
    """How long a lost answer takes."""


@dataclass
class Rest:
    """The REST interface over one ledger."""

    settings: Settings
    ledger: Ledger
    wire: Wire
    signer: Signer
    access: Access
    faults: Faults = field(default_factory=Faults)
    answered: dict[tuple[str, str], tuple[int, Json | None]] = field(default_factory=dict)
    """By path and PayPal-Request-Id: a repeated request gets the first one's answer and does nothing."""

    def once(
        self, path: str, request_id: str | None, act: Callable[[], tuple[int, Json | None]]
    ) -> tuple[int, Json | None]:
        """Runs `act` once per request id. Errors are not kept: PayPal lets the same id be tried again."""
        if request_id is None:
            return act()
        known = self.answered.get((path, request_id))
        if known is not None:
            status, body = known
            return (200 if status == 201 else status), body
        answer = act()
        self.answered[path, request_id] = answer
        return answer

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        guarded = APIRouter(dependencies=[Depends(self._guard)])
        router.post("/v1/oauth2/token")(self._token)
        router.get("/v1/notifications/certs/{certificate_id}")(self._certificate)
        guarded.post("/v2/checkout/orders")(self._create)
        guarded.get("/v2/checkout/orders/{order_id}")(self._order)
        guarded.post("/v2/checkout/orders/{order_id}/authorize")(self._authorize)
        guarded.get("/v2/payments/authorizations/{authorization_id}")(self._authorization)
        guarded.post("/v2/payments/authorizations/{authorization_id}/capture")(self._capture)
        guarded.post("/v2/payments/authorizations/{authorization_id}/void")(self._void)
        guarded.get("/v2/payments/captures/{capture_id}")(self._captured)
        guarded.post("/v2/payments/captures/{capture_id}/refund")(self._refund)
        router.include_router(guarded)
        return router

    async def _guard(self, authorization: Annotated[str | None, Header()] = None) -> None:
        if self.faults.refuse:
            self.faults.refuse -= 1
            raise PayPalError(503, "SERVICE_UNAVAILABLE", "Service Unavailable.")
        self.access.check(authorization)

    async def _token(self, request: Request, authorization: Annotated[str | None, Header()] = None) -> Response:
        form = parse_qs((await request.body()).decode(errors="replace"))
        if form.get("grant_type") != ["client_credentials"]:
            raise PayPalError(400, "unsupported_grant_type", "Grant Type is NULL or unknown")
        token = self.access.issue(authorization)
        return _answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS})

    async def _certificate(self, certificate_id: str) -> Response:
        if certificate_id != self.signer.certificate_id:
            raise not_found()
        return Response(self.signer.certificate_pem, media_type="application/x-pem-file")

    async def _create(
        self,
        request: Request,
        paypal_request_id: Annotated[str | None, Header()] = None,
        prefer: Annotated[str, Header()] = "return=minimal",
    ) -> Response:
        body = await _body(request)
        if "payment_source" in body and not paypal_request_id:
            raise invalid("PAYPAL_REQUEST_ID_REQUIRED", "PayPal-Request-Id is required with a payment_source.")

        def act() -> tuple[int, Json | None]:
            return 201, self.wire.order(self.ledger.create(body), minimal="representation" not in prefer)

        return _answer(*self.once(request.url.path, paypal_request_id, act))

    async def _order(self, order_id: str) -> Response:
        return _answer(200, self.wire.order(self.ledger.order(order_id)))

    async def _authorize(
        self,
        order_id: str,
        request: Request,
        paypal_request_id: Annotated[str | None, Header()] = None,
        prefer: Annotated[str, Header()] = "return=minimal",
    ) -> Response:
        def act() -> tuple[int, Json | None]:
            return 201, self.wire.order(self.ledger.authorize(order_id), minimal="representation" not in prefer)

        return _answer(*self.once(request.url.path, paypal_request_id, act))

    async def _authorization(self, authorization_id: str) -> Response:
        return _answer(200, self.wire.authorization(*self.ledger.authorization(authorization_id)))

    async def _capture(
        self, authorization_id: str, request: Request, paypal_request_id: Annotated[str | None, Header()] = None
    ) -> Response:
        body = await _body(request)

        def act() -> tuple[int, Json | None]:
            return 201, self.wire.capture(*self.ledger.capture(authorization_id, body))

        answer = self.once(request.url.path, paypal_request_id, act)
        if self.faults.lose_answer:
            self.faults.lose_answer -= 1
            await asyncio.sleep(self.faults.silence_seconds)
        return _answer(*answer)

    async def _void(
        self, authorization_id: str, request: Request, paypal_request_id: Annotated[str | None, Header()] = None
    ) -> Response:
        def act() -> tuple[int, Json | None]:
            self.ledger.void(authorization_id)
            return 204, None

        return _answer(*self.once(request.url.path, paypal_request_id, act))

    async def _captured(self, capture_id: str) -> Response:
        return _answer(200, self.wire.capture(*self.ledger.captured(capture_id)))

    async def _refund(
        self, capture_id: str, request: Request, paypal_request_id: Annotated[str | None, Header()] = None
    ) -> Response:
        body = await _body(request)

        def act() -> tuple[int, Json | None]:
            return 201, self.wire.refund(*self.ledger.refund(capture_id, body))

        return _answer(*self.once(request.url.path, paypal_request_id, act))


async def _body(request: Request) -> Json:
    raw = await request.body()
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise invalid("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.") from error
    if not isinstance(body, dict):
        raise invalid("MALFORMED_REQUEST_JSON", "The request JSON is not an object.")
    return body


def _answer(status: int, body: Json | None) -> Response:
    if body is None:
        return Response(status_code=status)
    return Response(json.dumps(body), status_code=status, media_type="application/json")
