"""PostgreSQL stands still, as if its machine did: nobody waits for long, nothing is lost or done twice."""

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
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


@asynccontextmanager
async def at_work(milliseconds: int) -> AsyncIterator[None]:
    """Meanwhile somebody keeps the loop for so long at every turn."""
    over = asyncio.Event()

    async def work() -> None:
        while not over.is_set():
            time.sleep(milliseconds / 1000)
            await asyncio.sleep(0)

    working = asyncio.create_task(work())
    yield
    over.set()
    await working


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
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which ones are right is asked below
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


async def takes_long(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("SELECT pg_sleep(3)")


@pytest.mark.parametrize("milliseconds", [100, 200])
async def test_a_loop_that_is_late_knows_a_server_that_hangs_from_one_that_does_not(
    server: Postgres, database: Database, milliseconds: int
) -> None:
    async with at_work(milliseconds):
        await takes_long(database)
        with hangs(server):
            seconds, error = await refused(database, 1)
    assert is_transient(error)
    assert seconds < 8, "told late, for our own loop is late with everything, but not after half a minute"


async def test_names_that_take_long_to_look_up_are_no_silence(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def slowly(host: str, port: int, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> object:
        time.sleep(1.5)
        return look_up(host, port, family, kind, proto, flags)

    database = Database(server.url().replace("127.0.0.1", "localhost"), pool_size=3)
    await database.ping()
    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    watching = asyncio.create_task(database.watch())
    await takes_long(database)
    await database.ping()
    watching.cancel()
    await database.close()


async def test_threads_that_are_all_at_work_are_no_silence(database: Database) -> None:
    working = [asyncio.create_task(asyncio.to_thread(time.sleep, 2.5)) for _ in range(64)]
    await takes_long(database)
    for work in working:
        work.cancel()


async def test_what_was_being_opened_is_told_once_and_the_watcher_goes_on(server: Postgres) -> None:
    """The session is there, and the server stands still while it is asked for its types."""
    database = Database(server.url(), pool_size=3)
    watching = asyncio.create_task(database.watch())
    await asyncio.sleep(0.5)  # the watcher's own session is there
    for key in range(3):
        with hangs(server):
            told = await asyncio.gather(*(refused(database, key) for _ in range(3)))
        assert max(seconds for seconds, _ in told) < SOON + 0.5
        assert not watching.done()
        await database.close()
        async with asyncio.timeout(5):
            while not await _is_there(database):
                await asyncio.sleep(0.1)
        await database.close()
    watching.cancel()


async def _is_there(database: Database) -> bool:
    with suppress(Exception):
        await database.ping()
        return True
    return False
