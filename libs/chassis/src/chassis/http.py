"""What HTTP doors share: the request's transaction, the present instant, the actor, and limits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, ClassVar, Protocol, TypeVar
from uuid import uuid4

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.database import Transaction
from chassis.problems import TooLarge, Unauthenticated, respond

MAX_BODY_BYTES = 1024 * 1024


class Body(BaseModel):
    """A request body: unknown fields are refused by name, strings are trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


async def _transaction(request: Request) -> AsyncIterator[Transaction]:
    async with request.app.state.database.transaction() as tx:
        yield tx


# A coroutine, like every dependency here: FastAPI would send a plain function through a thread, for every request.
async def _now(request: Request) -> datetime:
    instant: datetime = request.app.state.clock()
    return instant


#: One transaction per request. `scope="function"` commits before the answer leaves: nobody hears "booked" too early.
Tx = Annotated[Transaction, Depends(_transaction, scope="function")]
Now = Annotated[datetime, Depends(_now)]


class Claims(Protocol):
    """A token's claims: a model that knows for whom the token is."""

    AUDIENCE: ClassVar[str]

    @classmethod
    def model_validate(cls, obj: object) -> "Claims": ...


C = TypeVar("C", bound=BaseModel)


def bearer(claims: type[C]) -> Callable[..., Awaitable[C]]:
    """A dependency that requires a valid token and gives its claims. Raises Unauthenticated (401).

    The verifier is the one that the composition root registered under `claims.AUDIENCE`.
    """
    audience: str = claims.AUDIENCE  # type: ignore[attr-defined]
    scheme = HTTPBearer(auto_error=False, scheme_name=audience, bearerFormat="JWT")

    async def actor(
        request: Request, now: Now, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(scheme)]
    ) -> C:
        if credentials is None:
            raise Unauthenticated("Please open the link again, or sign in.", headers={"WWW-Authenticate": "Bearer"})
        verifier = request.app.state.verifiers[audience]
        return claims.model_validate(verifier.verify(credentials.credentials, now=now))

    return actor


class Correlation:
    """Binds a correlation id and the trace context to everything that a request logs and publishes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-correlation-id", "")
        correlation_id = given if given.isascii() and given.isalnum() and 8 <= len(given) <= 64 else uuid4().hex
        trace = headers.get("traceparent") or f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (b"x-correlation-id", correlation_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(
            correlation_id=correlation_id, traceparent=trace, trace_id=trace.split("-")[1] if "-" in trace else trace
        ):
            await self._app(scope, receive, answer)


class LimitBody:
    """Refuses bodies over `limit` bytes, whether announced or not, and marks personal answers as not to be stored."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > self._limit:
            await respond(TooLarge(f"At most {self._limit} bytes."))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise TooLarge
            return message

        async def uncached(message: Message) -> None:
            if seen > self._limit:
                return  # the framework calls an unreadable body a bad request; ours follows below
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message.get("headers", [])}
                if b"cache-control" not in names:
                    message["headers"] = [*message.get("headers", []), (b"cache-control", b"no-store")]
            await send(message)

        try:
            await self._app(scope, counted, uncached)
        finally:
            if seen > self._limit:
                await respond(TooLarge(f"At most {self._limit} bytes."))(scope, receive, send)
