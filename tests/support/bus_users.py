"""A bus with the real permissions, and whoever signs in there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client

from contracts.topology import SERVICES
from schalter import bus
from schalter.bus import apply
from schalter.embedded import Nats, free_port
from schalter.installation import BusAccess
from schalter.nats_config import OPERATOR, inbox_prefix, service_users

PASSWORDS = {name: f"pw-{name}" for name in (*SERVICES, OPERATOR)}


def operator(server: Nats) -> BusAccess:
    """How the operator signs in."""
    return BusAccess(server.url, PASSWORDS[OPERATOR])


@contextmanager
def guarded(directory: Path, *, applied: bool = True, monitor: int | None = None) -> Iterator[Nats]:
    """A server whose users may do what they may in production; `applied`: its streams and consumers are made.

    On the port `monitor` figures are told."""
    users, log = service_users(PASSWORDS), directory.with_suffix(".log")
    with Nats(directory, free_port(), log=log, users=users, durable=False, monitor=monitor) as server:
        if applied:
            asyncio.run(apply(operator(server)))
        yield server


class Refusals:
    """What the server has refused one connection."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @property
    def subjects(self) -> set[str]:
        """What was refused, in small letters as the client tells it."""
        return {each.lower().split('"')[1] for each in self.said}

    async def note(self, error: Exception) -> None:
        """The client's error callback."""
        self.said.append(str(error))

    async def reach(self, count: int) -> bool:
        """Whether there are `count` of them within ten seconds, and no more."""
        for _ in range(1000):
            if len(self.said) >= count:
                break
            await asyncio.sleep(0.01)
        return len(self.said) == count

    async def of(self, subject: str) -> bool:
        """Whether `subject` is refused within half a second."""
        for _ in range(50):
            if subject.lower() in self.subjects:
                return True
            await asyncio.sleep(0.01)
        return False


@asynccontextmanager
async def signed_in(server: Nats, user: str) -> AsyncIterator[tuple[Client, Refusals]]:
    """A connection of `user`."""
    refusals = Refusals()
    client = await nats.connect(
        server.url,
        user=user,
        password=PASSWORDS[user],
        inbox_prefix=inbox_prefix(user).encode(),
        error_cb=refusals.note,
        allow_reconnect=False,
    )
    try:
        yield client, refusals
    finally:
        await client.close()


async def state(server: Nats) -> list[Any]:
    """All streams and consumers: their settings, and what lies in them."""
    async with bus.connected(operator(server)) as client:
        streams = await bus._all(client, "STREAM.LIST", "streams")
        names = [stream["config"]["name"] for stream in streams]
        consumers = [each for name in names for each in await bus._all(client, f"CONSUMER.LIST.{name}", "consumers")]
    return [{name: value for name, value in each.items() if name != "ts"} for each in (*streams, *consumers)]
