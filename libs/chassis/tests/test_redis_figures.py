"""A Redis that answers, refuses, is silent or away is told as what it is."""

import asyncio
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from redis.exceptions import RedisError

from chassis import redis as plain
from chassis import scripts
from chassis.redis_figures import UP, watch
from schalter.embedded import Redis, free_port


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"schalter_redis_{name}", labels) or 0


def errors() -> dict[str, float]:
    return {kind: figure("errors_total", kind=kind) for kind in ("timeout", "away", "refused")}


def risen(before: dict[str, float]) -> set[str]:
    return {kind for kind, count in errors().items() if count > before[kind]}


@pytest.fixture
def server(servers_dir: Path) -> Iterator[Redis]:
    name = f"redis-{secrets.token_hex(4)}"
    with Redis(servers_dir / name, free_port(), password="p", log=servers_dir / f"{name}.log", durable=False) as server:
        yield server


async def test_what_goes_wrong_counts_by_kind(server: Redis) -> None:
    client, line = plain.connect(server.url), scripts.connect(server.url, 0.2)
    script = line.register_script("return 1")
    before = errors()
    assert await script() == 1
    assert await client.ping()
    assert risen(before) == set(), "that a script is not known yet is no error"
    with pytest.raises(RedisError):
        await client.eval("nonsense (", 0)
    assert risen(before) == {"refused"}
    os.kill(server.process.pid, signal.SIGSTOP)
    before = errors()
    with pytest.raises(TimeoutError):
        await script()
    assert risen(before) == {"timeout"}
    os.kill(server.process.pid, signal.SIGCONT)
    await asyncio.to_thread(server.process.kill)
    before = errors()
    with pytest.raises((OSError, RedisError)):
        await script()
    with pytest.raises((OSError, RedisError)):
        await client.ping()
    assert risen(before) == {"away"}
    await client.aclose()
    await line.aclose()


async def test_whether_it_is_there_is_asked_for(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.redis_figures._EVERY_SECONDS", 0.05)
    line = scripts.connect(server.url, 0.2)
    UP.set(0)  # another test may have left it as it found its own
    asked = figure("command_seconds_count")
    task = asyncio.create_task(watch(line.line.ping))

    async def until(up: float) -> None:
        async with asyncio.timeout(5):
            while figure("up") != up:
                await asyncio.sleep(0.02)

    await until(1)
    assert figure("command_seconds_count") > asked
    await asyncio.to_thread(server.process.kill)
    await until(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await line.aclose()
