"""Composition root of the technical check's echo: a process of its own, so that its media work slows nobody's call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel, Field

from chassis import logging, metrics, openapi, problems
from chassis.edge import Edge
from chassis.http import Body
from chassis.readiness import Readiness
from chassis.service import add_health
from chassis.vitals import loop_lag
from chassis.watchdog import watchdog
from signaling.echo import Echo
from signaling.settings import CheckSettings


class Offer(Body):
    """A complete WebRTC offer of the browser; candidates are not trickled."""

    sdp: str = Field(max_length=32 * 1024)


class Answer(BaseModel):
    """The echo's answer."""

    check_id: str
    sdp: str


def build(settings: CheckSettings | None = None) -> FastAPI:
    """The process as uvicorn runs it. It knows no database, no bus and no key."""
    settings = settings or CheckSettings()
    logging.configure("signaling-check", settings.log_level)
    echo = Echo(settings.check_sessions, settings.check_address)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        guard = asyncio.create_task(watchdog(settings.watchdog_seconds)) if settings.watchdog_seconds else None
        measuring = asyncio.create_task(loop_lag())
        yield
        measuring.cancel()
        if guard:
            guard.cancel()
        await echo.close()

    app = FastAPI(
        title="Schalter: the technical check's echo",
        version="1",
        openapi_url="/api/signaling/check/sessions/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=openapi.REFUSALS,
    )

    @app.post("/api/signaling/check/sessions", status_code=201)
    async def open_session(offer: Offer) -> Answer:
        """A peer for one technical check: echoes audio, small video and two data channels, for a minute at most."""
        check_id, sdp = await echo.open(offer.sdp)
        return Answer(check_id=check_id, sdp=sdp)

    problems.install(app)
    openapi.install(app)
    add_health(app, Readiness({}), lacks=metrics.OF_BUS_AND_DATABASE)
    app.add_middleware(Edge, limit=64 * 1024)
    return app
