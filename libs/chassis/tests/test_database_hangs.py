"""PostgreSQL stands still, as if its machine did: nobody waits for long, nothing is lost or done twice."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from chassis.database import Database
from chassis.problems import Busy, is_transient, unexpected
from schalter.embedded import Postgres, free_port

#: What people are promised is two seconds; a busy machine gets a little more.
SOON = 2.6


@pytest.fixture(scope="module")
def server(servers_dir: Path) -> Iterator[Postgres]:
    """A server of its own, for it is stopped."""
    directory = servers_dir / "hangs"
    postgres = Postgres(
        directory, free_port(), password=secrets.token_hex(8), log=servers_dir / "hangs.log", durable=False
    )
    with postgres:
        yield postgres


@contextmanager
def hangs(server: Postgres) -> Iterator[None]:
    """Meanwhile the server and everybody who works for it stand still."""
    chief = psutil.Process(server.process.pid)
    stopped = [chief, *chief.children(recursive=True)]
    for process in stopped:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
async def database(server: Postgres) -> AsyncIterator[Database]:
    """Watched, as in a service."""
    database = Database(server.url(), pool_size=3)
    watching = asyncio.create_task(database.watch())
    async with database.transaction() as tx:
        await tx.execute("DROP TABLE IF EXISTS written")
        await tx.execute("CREATE TABLE written (key int PRIMARY KEY)")
    yield database
    watching.cancel()
    await database.close()


async def write(database: Database, key: int) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO written VALUES (:key) ON CONFLICT DO NOTHING", key=key)


async def keys(database: Database) -> list[int]:
    async with database.autocommit() as tx:
        return [row["key"] for row in await tx.rows("SELECT key FROM written ORDER BY key")]


async def write_again(database: Database, key: int) -> None:
    """As clients do that were told when to come again."""
    async with asyncio.timeout(5):
        while True:
            with suppress(Busy):
                await write(database, key)
                return
            await asyncio.sleep(0.05)


async def refused(database: Database, key: int) -> tuple[float, Exception]:
    """How long somebody who writes waits for a no, and which."""
    began = time.monotonic()
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which ones are right is asked below
        await write(database, key)
    return time.monotonic() - began, raised.value


@pytest.mark.parametrize("open_before", [True, False], ids=["a connection is open", "none is open"])
async def test_a_lone_request_is_told_within_two_seconds(
    server: Postgres, database: Database, *, open_before: bool
) -> None:
    if not open_before:
        await database.close()
    with hangs(server):
        seconds, error = await refused(database, 1)
        assert is_transient(error)
        assert seconds < SOON
        problem = unexpected(error)
        assert problem.status == 503
        assert problem.headers["Retry-After"]
    await write_again(database, 1)
    assert await keys(database) == [1]


async def test_many_wait_no_longer_than_one_and_later_ones_not_at_all(server: Postgres, database: Database) -> None:
    with hangs(server):
        waited = [seconds for seconds, _ in await asyncio.gather(*(refused(database, key) for key in range(12)))]
        assert max(waited) < SOON + 0.5
        seconds, error = await refused(database, 99)
        assert seconds < 0.2
        assert isinstance(error, Busy)
    await write_again(database, 100)
    assert 100 in await keys(database)


async def test_what_was_under_way_is_said_to_be_unknown_and_may_be_repeated(
    server: Postgres, database: Database
) -> None:
    began = asyncio.Event()

    async def under_way() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO written VALUES (7)")
            began.set()
            await asyncio.sleep(0.3)

    writing = asyncio.create_task(under_way())
    await began.wait()
    with hangs(server):
        with pytest.raises(Exception) as raised:  # noqa: PT011
            await writing
        problem = unexpected(raised.value)
        assert problem.status == 503
        assert "not known" in problem.detail
        assert "Idempotency-Key" in problem.detail
    await write_again(database, 7)
    assert await keys(database) == [7]


async def test_what_only_takes_long_is_left_alone(database: Database) -> None:
    """A statement that works, or waits for somebody else's lock, is no server that hangs."""
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO written VALUES (1)")
        waiting = asyncio.create_task(write(database, 1))
        await tx.execute("SELECT pg_sleep(3)")
    await waiting
    assert await keys(database) == [1]
