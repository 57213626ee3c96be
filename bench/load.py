"""A small HTTP load client: keep-alive connections in closed loops, whole requests as bytes, nothing decoded.

It costs a tenth of what a service costs per request, so that one core of the machine is enough for it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

#: Makes the next request of one client.
Source = Iterator[bytes]
_PATIENCE_SECONDS = 30.0


@dataclass
class Tally:
    """What came back: how often each status, and how long each request took (seconds, unsorted)."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many were answered."""
        return len(self.seconds)

    def quantile(self, share: float) -> float:
        """The time within which `share` of the requests were answered, in seconds."""
        return quantile(self.seconds, share)


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of `values` lie; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """An HTTP/1.1 request as it goes over the wire."""
    given = [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *given]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time. Answers must say their length, as ours do."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._end = 0
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connected to `port` of this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, message: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer. Raises ConnectionError when the connection ends instead."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        # uvloop does not derive its transports from asyncio's classes.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._received += data
        if not self._end:
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return
            self._end = head + 4 + _content_length(bytes(self._received[:head]))
        if len(self._received) >= self._end and self._answer is not None and not self._answer.done():
            status = int(self._received[9:12])
            body = bytes(self._received[self._received.find(b"\r\n\r\n") + 4 : self._end])
            self._received.clear()
            self._end = 0
            self._answer.set_result((status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the service hung up"))


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    if at < 0:
        return 0
    return int(head[at + 15 :].split(b"\r\n", 1)[0])


async def loop(port: int, sources: list[Source], seconds: float) -> Tally:
    """Every source is a client that asks one request after the other, for `seconds`."""
    tally = Tally()
    until = time.perf_counter() + seconds

    async def client(source: Source) -> None:
        connection = await Connection.open(port)
        for message in source:
            started = time.perf_counter()
            if started >= until:
                break
            status, _ = await asyncio.wait_for(connection.ask(message), _PATIENCE_SECONDS)
            tally.seconds.append(time.perf_counter() - started)
            tally.statuses[status] += 1
        connection.close()

    await asyncio.gather(*(client(source) for source in sources))
    return tally


async def volley(port: int, messages: list[bytes], connections: list[Connection]) -> Tally:
    """All `messages` at once, each over a connection of its own."""
    tally = Tally()

    async def one(connection: Connection, message: bytes) -> None:
        started = time.perf_counter()
        status, _ = await asyncio.wait_for(connection.ask(message), _PATIENCE_SECONDS)
        tally.seconds.append(time.perf_counter() - started)
        tally.statuses[status] += 1

    await asyncio.gather(*(one(*pair) for pair in zip(connections, messages, strict=True)))
    return tally


def forever(make: Callable[[], bytes]) -> Source:
    """A source that never ends."""
    while True:
        yield make()
