"""A service's Redis: it answers with text, who asks waits for a moment, and nothing is left at the end."""

import asyncio

from fastapi import FastAPI

from chassis.redis import connect, resource


async def test_a_service_has_it_while_it_runs_and_leaves_no_connection(redis_url: str) -> None:
    onlooker, app = connect(redis_url), FastAPI()

    async def others() -> set[str]:
        return {each["id"] for each in await onlooker.client_list()} - before

    before = set[str]()
    before = await others()
    async with resource(connect(redis_url))(app):
        await app.state.redis.set("name", "Jürgen")
        assert await app.state.redis.get("name") == "Jürgen"
        await app.state.redis.delete("name")
        assert await others()
    async with asyncio.timeout(5):
        while await others():
            await asyncio.sleep(0.01)
    await onlooker.aclose()


async def test_whoever_asks_is_answered_within_seconds_or_does_without() -> None:
    client = connect("redis://cache:7000/3")
    pool = client.connection_pool
    how = pool.connection_kwargs
    assert (how["host"], how["port"], how["db"]) == ("cache", 7000, 3)
    assert (how["socket_connect_timeout"], how["socket_timeout"], how["health_check_interval"]) == (1, 2, 15)
    assert how["retry"].get_retries() == 2
    assert (pool.max_connections, pool.timeout) == (64, 2), "a thousand at once queue, for so long"  # type: ignore[attr-defined]
    await client.aclose()
