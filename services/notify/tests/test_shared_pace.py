"""All processes of notify together hand over no more mails a second than the mail server takes."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from mail_server import smtp_server

from chassis.database import Database
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from notify.claims import Owner
from notify.delivery import Smtp
from notify.mail import Composer
from notify.rate_limit import Pace
from notify.sender import Sender
from notify.settings import Settings
from notify.usecases import BATCH
from simulators.mail.mailbox import Mailbox

PER_SECOND = 10
#: More than one sender claims at a time.
MAILS = 5 * BATCH
#: Three seconds' worth may go at once after a quiet time, whoever sends it.
AT_ONCE = 3 * PER_SECOND

#: Another process of notify, that is there and has nothing to do.
ANOTHER = """
import asyncio, sys
from datetime import UTC, datetime
from chassis.database import Database
from notify.claims import Owner

async def main() -> None:
    async with Owner().living(Database(sys.argv[1]), set(), lambda: datetime.now(UTC), lambda: None):
        print("there", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def another(database: Database) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ANOTHER, database.url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"there\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_two_senders_are_no_quicker_than_one(
    apply: Callable[..., Awaitable[bool]],
    database: Database,
    settings: Settings,
    offices: Mapping[str, Office],
    clock: Any,
) -> None:
    mailbox = Mailbox(MAILS)
    loop = asyncio.get_running_loop()

    async def due(at: datetime) -> None:
        async with database.autocommit() as tx:
            await tx.execute("UPDATE ours.message SET next_try_at = :at", at=at)

    for _ in range(MAILS):
        await apply("booking.completed.v1", appointment_id=uuid4())
    await due(clock() + timedelta(days=1))
    async with smtp_server(mailbox) as port, AsyncExitStack() as stack:
        reached = settings.model_copy(update={"smtp_port": port})
        composer = Composer(offices, load_catalogue(), public_origin="http://x", sender="A <a@town.example>")
        senders = [Sender(composer, Smtp(reached), clock, per_second=PER_SECOND) for _ in range(2)]
        for sender in senders:
            task = asyncio.create_task(sender.run(database))
            stack.callback(task.cancel)
        await until(lambda: [sender._owner.alive for sender in senders] == [2, 2])
        begun = loop.time()
        await due(clock())
        await until(lambda: len(mailbox.all()) == MAILS, 30)
    assert loop.time() - begun >= (MAILS - AT_ONCE) / PER_SECOND - 0.5


async def test_a_process_that_comes_takes_its_share_and_one_that_dies_leaves_it(database: Database, clock: Any) -> None:
    owner = Owner()
    async with owner.living(database, set(), clock, lambda: None):
        assert owner.alive == 1
        async with another(database) as process, another(database):
            await until(lambda: owner.alive == 3)
            process.kill()
            await until(lambda: owner.alive == 2)
        await until(lambda: owner.alive == 1)


@pytest.mark.parametrize("alive", [1, 4])
async def test_a_share_of_the_pace_is_so_much_slower(alive: int) -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(200, lambda: alive)
    begun = loop.time()
    for _ in range(600 // alive + 40 // alive):  # three seconds' worth, and a fifth of a second's
        await pace.turn()
    assert 0.15 <= loop.time() - begun < 5
