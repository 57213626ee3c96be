"""The Redis connection of a service that keeps short-lived things there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from chassis.redis_figures import CountedRedis, watch
from chassis.scripts import ScriptingRedis
from chassis.service import Resource


def connect(url: str) -> Redis:
    """A client with short timeouts: who asks Redis can do without it for a moment, but cannot wait."""
    pool = BlockingConnectionPool.from_url(
        url,
        # The default pool raises at its limit; a thousand clients who reconnect at once queue here instead.
        max_connections=64,
        timeout=2,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=1,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 2),
    )
    return CountedRedis.from_pool(pool)


def resource(client: Redis) -> Resource:
    """A resource for `create_app` that puts `client` on `app.state.redis` and closes it at the end."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        app.state.redis = client
        ping = client.line.ping if isinstance(client, ScriptingRedis) else client.ping
        watching = asyncio.create_task(watch(ping))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await client.aclose()

    def open_it(app: FastAPI) -> AbstractAsyncContextManager[None]:
        return opened(app)

    return open_it
