"""Bare endpoints: FastAPI and asyncpg as one would write them in an afternoon, run with the services' own flags."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import FastAPI, Query, Request, Response

from booking.slots.store import BUSY
from chassis.database import numbered

STATEMENT, NAMES = numbered(BUSY)


def build() -> FastAPI:
    """`/fixed` answers what never changes; `/slots` runs the statement of free slots and answers its row."""
    url = os.environ["BENCH_DATABASE_URL"]
    fixed = os.environ["BENCH_FIXED"].encode()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(url, min_size=10, max_size=10) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/fixed")
    async def get_fixed() -> Response:
        return Response(fixed, media_type="application/json")

    @app.get("/offices/{office}/slots")
    async def get_slots(
        request: Request,
        office: str,
        services: Annotated[list[str], Query()],
        first: Annotated[datetime, Query(alias="from")],
        hold: UUID | None = None,
    ) -> Response:
        low = first.replace(tzinfo=UTC)
        given: dict[str, Any] = {
            "office": office,
            "low": low,
            "high": low + timedelta(days=1),
            "now": datetime.now(UTC),
            "own": hold,
        }
        row = await request.app.state.pool.fetchrow(STATEMENT, *[given[name] for name in NAMES])
        return Response(orjson.dumps(dict(row)), media_type="application/json")

    return app
