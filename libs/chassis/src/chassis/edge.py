"""What every request passes on its way in and every answer on its way out."""

import asyncio
import secrets
from functools import lru_cache
from time import monotonic, perf_counter
from typing import Final, NamedTuple

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import traces
from chassis.metrics import HTTP_ACTIVE, HTTP_RESPONSES, HTTP_SECONDS
from chassis.problems import Problem, TooLarge, TooSlow, respond
from chassis.steps import step

MAX_BODY_BYTES = 1024 * 1024
#: How long a body may take: a megabyte over a poor mobile network, but not a byte a second.
BODY_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 1.0

#: Who asks may make up others, and each would be a series for good.
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
#: What only looks is no step of anything, unless it fails: free slots are asked for a hundred times per booking.
_LOOKS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
#: Asked every few seconds by who watches, also while they fail: the figures tell that.
_PROBES: Final = frozenset(("/healthz", "/readyz", "/metrics"))


class Edge:
    """The outermost layer of a service. One layer, because each costs every request as much as a query's parsing.

    - A correlation id and the trace context are bound to everything that the request logs and publishes. Who sends ones
      of another form gets new ones: they would travel into every event and every line of the log.
    - The request is timed under its route's template, so that ids never become labels; it is a span of its trace, and
      a line of the log if it changes something or fails.
    - A body over `limit` bytes is refused, whether its length is announced or not.
    - A body that is not there after `patience` seconds is given up, and its connection closed (408). One watcher looks
      at all of them (`watch`), because a timer for each request costs a booking five percent.
    - Answers are not to be stored by anybody unless they say so themselves: they may be personal.
    """

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES, patience: float = BODY_SECONDS) -> None:
        self._app, self._limit, self._patience = app, limit, patience
        #: Who waits for more of a request's body, and since when that request is there.
        self._reading: dict[asyncio.Task[object], float] = {}

    async def watch(self) -> None:
        """Until cancelled: give up bodies that trickle."""
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, self._patience))
            overdue = monotonic() - self._patience
            for task in [task for task, since in self._reading.items() if since < overdue]:
                self._reading.pop(task)
                task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        random = secrets.token_hex(24)
        given = headers.get(b"x-correlation-id", b"").decode("latin-1")
        correlation_id = given if given.isascii() and given.isalnum() and 8 <= len(given) <= 64 else random[:32]
        trace = headers.get(b"traceparent", b"").decode("latin-1")
        sent = traces.trace_id(trace)
        trace_id = sent or random[:32]
        if not sent:
            trace = f"00-{trace_id}-{random[32:]}-01"
        bound = structlog.contextvars.bind_contextvars(
            correlation_id=correlation_id, traceparent=trace, trace_id=trace_id
        )
        try:
            if scope["type"] == "http":
                announced = headers.get(b"content-length", b"0")
                with traces.span("request", "server", begins=not sent) as span:
                    await self._http(_Asked(scope, receive, send, correlation_id, trace_id, span), announced)
            else:
                await self._app(scope, receive, send)
        finally:
            structlog.contextvars.reset_contextvars(**bound)

    async def _http(self, asked: "_Asked", announced: bytes) -> None:
        scope, receive, send, *_ = asked
        correlation_id = asked.correlation_id.encode()
        limit, seen = self._limit, 0
        refused: Problem | None = None
        since, more = monotonic(), True
        started, status = perf_counter(), 500
        HTTP_ACTIVE.inc()

        async def counted() -> Message:
            nonlocal seen, refused, more
            if not more:  # nothing is left but the end of the connection, which may be long in coming
                return await receive()
            message = await self._in_time(receive, since)
            if message is None:
                refused = TooSlow(headers={"Connection": "close"})
                raise refused
            more = bool(message.get("more_body"))
            seen += len(message.get("body", b""))
            if seen > limit:
                refused = TooLarge(f"At most {limit} bytes.")
                raise refused
            return message

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = [*message.get("headers", ()), (b"x-correlation-id", correlation_id)]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
            await send(message)

        async def unless_refused(message: Message) -> None:
            if refused is None:  # the framework calls an unreadable body a bad request; ours follows below
                await marked(message)

        try:
            if announced.isdigit() and int(announced) > limit:
                await respond(TooLarge(f"At most {limit} bytes."))(scope, receive, marked)
            else:
                await self._app(scope, counted, unless_refused)
        finally:
            if refused is not None:
                await respond(refused)(scope, receive, marked)
            HTTP_ACTIVE.dec()
            asked.answered(status, perf_counter() - started)

    async def _in_time(self, receive: Receive, since: float) -> Message | None:
        """The next message of a body that began `since`; None when `watch` gave it up."""
        task = asyncio.current_task()
        assert task is not None, "a server's"
        self._reading[task] = since
        try:
            return await receive()
        except asyncio.CancelledError:
            if task in self._reading or task.uncancel():  # somebody else's cancellation
                raise
            return None
        finally:
            self._reading.pop(task, None)


class _Asked(NamedTuple):
    """A request, and under which ids it goes."""

    scope: Scope
    receive: Receive
    send: Send
    correlation_id: str
    trace_id: str
    span: traces.Span

    def answered(self, status: int, seconds: float) -> None:
        """Tell figures, the log and the trace what became of it."""
        route = getattr(self.scope.get("route"), "path", "unmatched")
        method = self.scope["method"] if self.scope["method"] in _METHODS else "other"
        timed, responses = _figures(method, route, status)
        timed.observe(seconds)
        responses.inc()
        if route not in _PROBES and (status >= 400 or method not in _LOOKS):
            step(
                "request",
                correlation_id=self.correlation_id,
                trace_id=self.trace_id,
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
            )
        self.span.tell(
            f"{method} {route}",
            failed=status >= 500,
            http__request__method=method,
            http__route=route,
            http__response__status_code=status,
        )


@lru_cache(maxsize=4096)
def _figures(method: str, route: str, status: int) -> tuple[Histogram, Counter]:
    return HTTP_SECONDS.labels(method, route, str(status)), HTTP_RESPONSES.labels(str(status))
