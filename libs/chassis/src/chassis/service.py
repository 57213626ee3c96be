"""The one way to make a service out of its parts. A composition root calls `create_app`, and so do the tests."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import structlog
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis import logging, metrics, migrations, openapi, problems, steps, traces
from chassis.backlog import Backlog
from chassis.bus import Bus
from chassis.clock import Clock, utc_now
from chassis.consumer import Consumer, Consumption
from chassis.database import Database
from chassis.edge import Edge
from chassis.express import Express, ways
from chassis.outbox import Relay
from chassis.readiness import Check, NotReady, Readiness
from chassis.settings import ServiceSettings
from chassis.tokens import TokenVerifier
from chassis.vitals import ConsumerFigures, loop_lag
from chassis.watchdog import watchdog
from contracts.base import Event
from contracts.topology import PUBLISHES

log = structlog.get_logger(__name__)

_RESTART_SECONDS: Final = (0.2, 1.0, 5.0)


@dataclass(frozen=True)
class Worker:
    """A background task of a service: runs until cancelled, and is started again with backoff when it raises."""

    name: str
    run: Callable[[], Awaitable[None]]


Resource = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class _Service(FastAPI):
    """FastAPI behind our own edge: its own layers, five of them, are for what no express route answers."""

    front: ASGIApp | None = None

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Raises TypeError: it would stand behind `front`, where no express route passes."""
        raise TypeError(f"{middleware_class}: what every request passes belongs into chassis.edge")

    def add_exception_handler(self, exc_class_or_status_code: Any, handler: Any) -> None:
        """Those of `problems` alone, which express routes have, too. Raises TypeError for any after them."""
        if self.front is not None:
            raise TypeError(f"{exc_class_or_status_code}: what is raised is answered in chassis.problems")
        super().add_exception_handler(exc_class_or_status_code, handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if self.front is None or scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            scope["app"] = self  # as Starlette does
            await self.front(scope, receive, send)


async def _supervise(worker: Worker) -> None:
    failures = 0
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await worker.run()
            return
        except Exception as error:
            if asyncio.get_running_loop().time() - started > 30:
                failures = 0
            transient = problems.is_transient(error)
            # What is away comes back, and then nobody shall wait for us; what is wrong stays wrong.
            longest = 1 if transient else len(_RESTART_SECONDS) - 1
            delay = _RESTART_SECONDS[min(failures, longest)]
            failures += 1
            metrics.WORKER_RESTARTS.labels(worker.name).inc()
            log.warning(
                "worker_restarting",
                worker=worker.name,
                delay=delay,
                error=type(error).__name__,
                exc_info=None if transient else error,
            )
            await asyncio.sleep(delay)


def create_app(  # noqa: PLR0913 - the parts of a service, each by its name
    name: str,
    settings: ServiceSettings,
    *,
    title: str,
    migrations_dir: Path,
    routers: Sequence[APIRouter],
    consumers: Sequence[Consumer[Any]] = (),
    workers: Sequence[Worker] = (),
    resources: Sequence[Resource] = (),
    checks: Mapping[str, Check] | None = None,
    verifiers: Sequence[tuple[str, TokenVerifier]] = (),
    state: Mapping[str, object] | None = None,
    counts: Callable[[Event], None] | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """The ASGI application of service `name`, mounted under `/api/{name}`.

    At its start it migrates its schema and opens `resources` (context managers that may add to `app.state`), then runs
    the outbox relay, `consumers` and `workers` in the background: it serves HTTP while the bus is away. `checks` decide
    readiness beside database, bus, and the streams and consumers on it (`topology`). `counts` hears of every event that
    was committed, for the service's own figures.

    `app.state` holds `database`, `bus`, `clock`, `settings`, `verifiers`, `consumers` and `state`.
    """
    logging.configure(name, settings.log_level)
    spans = traces.configure(name, settings.collector, settings.traces_ratio)
    database = Database(str(settings.database_url), clock=clock)
    bus = Bus(name, settings)
    relay = Relay(str(settings.database_url), bus, clock)
    database.on_publish(relay.hand)
    database.tell_figures()
    if counts:
        database.on_committed(counts)

    async def bus_check() -> None:
        if not bus.connected:
            raise ConnectionError("not connected")

    async def topology_check() -> None:
        if bus.missing:
            raise NotReady(f"missing: {', '.join(sorted(bus.missing))}")

    readiness = Readiness({"database": database.ping, "bus": bus_check, "topology": topology_check, **(checks or {})})
    tasks: list[asyncio.Task[None]] = []

    def start(worker: Worker) -> None:
        tasks.append(asyncio.create_task(_supervise(worker)))

    async def on_the_bus() -> None:
        await bus.connect()
        # Not in a task group: it would cancel its tasks once, and wait for ever for one that swallowed it.
        start(Worker("outbox-relay", relay.run))
        for consumer in consumers:
            start(Worker("consumer", Consumption(name, consumer, bus, database, clock).run))
        await bus.find_streams()

    async def watch_bodies() -> None:
        await edge.watch()

    watched = settings.watchdog_seconds
    running = (
        Worker("bus", on_the_bus),
        Worker("database-watch", database.watch),
        Worker("bodies", watch_bodies),
        Worker("backlog", Backlog(database, clock).run),
        Worker("readiness", readiness.run),
        Worker("loop-lag", loop_lag),
        Worker("consumer-figures", ConsumerFigures(name, consumers, bus).run),
        *([Worker("watchdog", partial(watchdog, watched))] if watched else []),
        *workers,
    )
    metrics.at_zero(metrics.WORKER_RESTARTS, [*(worker.name for worker in running), "outbox-relay", "consumer"])
    metrics.at_zero(metrics.OUTBOX_PUBLISHED, [event.SUBJECT for event in PUBLISHES[name]])

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await migrations.upgrade(str(settings.database_url), migrations_dir)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(bus.close)
            for resource in resources:
                await stack.enter_async_context(resource(app))
            stack.push_async_callback(_cancel, tasks)
            for worker in running:
                start(worker)
            _keep_for_good()
            log.info("started")
            yield
            log.info("stopping")
        steps.flush()
        if spans:
            spans.close()

    app = _Service(
        title=f"Schalter: {title}",
        version="1",
        openapi_url=f"/api/{name}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=openapi.REFUSALS,
    )
    app.state.database, app.state.bus, app.state.clock, app.state.settings = database, bus, clock, settings
    app.state.verifiers = dict(verifiers)
    app.state.consumers = tuple(consumers)
    for key, value in (state or {}).items():
        setattr(app.state, key, value)

    problems.install(app)
    openapi.install(app)
    add_health(app, readiness)
    for router in routers:
        app.include_router(router, prefix=f"/api/{name}")
    express = ways(routers, f"/api/{name}") if settings.express else []
    app.front = edge = Edge(Express(super(_Service, app).__call__, express))
    return app


@cache
def _keep_for_good() -> None:
    """Spare the garbage collector what stays until the end: code, models, routes. Once per process.

    Else it goes through all of that again and again while requests come and go, and requests wait for it.
    """
    gc.collect()
    gc.freeze()


async def _cancel(tasks: list["asyncio.Task[None]"]) -> None:
    """End `tasks`. Once may not be enough: the bus client swallows a cancellation that meets it while connecting."""
    while pending := {task for task in tasks if not task.done()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.5)
    tasks.clear()


def add_health(app: FastAPI, readiness: Readiness, *, lacks: tuple[str, ...] = ()) -> None:
    """Add `/healthz` (the process is alive), `/readyz` (every check passes within 2 s) and `/metrics`, without those
    that begin with `lacks`.
    """

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        if failing := await readiness.failing():
            return JSONResponse({"status": "unavailable", "failing": failing}, 503, headers={"Retry-After": "1"})
        return JSONResponse({"status": "ok"})

    app.add_route("/healthz", alive, include_in_schema=False)
    app.add_route("/readyz", ready, include_in_schema=False)
    app.add_route("/metrics", metrics.endpoint(lacks=lacks), include_in_schema=False)
