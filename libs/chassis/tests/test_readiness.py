"""What a service cannot reach is a figure, also while nobody asks: a database that hangs, a bus that is gone."""

import asyncio
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from chassis import metrics
from chassis.database import Database
from chassis.readiness import Readiness
from schalter.embedded import Postgres, free_port


@pytest.fixture
def server(servers_dir: Path) -> Iterator[Postgres]:
    directory = servers_dir / f"postgres-{secrets.token_hex(4)}"
    log = servers_dir / f"{directory.name}.log"
    with Postgres(directory, free_port(), password=secrets.token_hex(8), log=log, durable=False) as server:
        yield server
    shutil.rmtree(directory, ignore_errors=True)


def ready(part: str) -> float:
    return float(metrics.READY.labels(part)._value.get())


async def told(part: str, value: float) -> None:
    async with asyncio.timeout(20):
        while ready(part) != value:
            await asyncio.sleep(0.1)


async def test_a_database_that_hangs_is_seen_and_so_is_its_return(server: Postgres) -> None:
    database = Database(server.create_database("ready", secrets.token_hex(8)))
    watch = asyncio.create_task(Readiness({"hanging": database.ping}).run())
    await told("hanging", 1)
    main = psutil.Process(server.process.pid)
    processes = [main, *main.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    await told("hanging", 0)
    for process in processes:
        process.send_signal(signal.SIGCONT)
    await told("hanging", 1)
    watch.cancel()
    await database.close()


async def test_what_is_never_reached_is_told_from_the_start(database: Database) -> None:
    async def away() -> None:
        raise ConnectionError

    readiness = Readiness({"there": database.ping, "away": away})
    assert (ready("there"), ready("away")) == (0, 0)
    assert await readiness.failing() == {"away": "ConnectionError"}
    assert (ready("there"), ready("away")) == (1, 0)
