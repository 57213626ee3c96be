"""A TCP link to a server on this machine that a test cuts, hangs, or lets lose the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

_CHUNK: Final = 65536


class _Way:
    """One direction of a connection: what comes in goes out, unless it is held."""

    def __init__(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
        self._source, self._target, self._flowing = source, target, flowing

    async def run(self) -> None:
        with suppress(ConnectionError):
            while chunk := await self._source.read(_CHUNK):
                await self._flowing.wait()
                self._target.write(chunk)
                await self._target.drain()


class _Connection:
    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.there, self.back, self.over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.there.set()
        self.back.set()

    async def carry(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        """Until one side says goodbye, which a dead way does not pass on either, or the test ends it."""
        ways = [_Way(from_client, self.server, self.there), _Way(from_server, self.client, self.back)]
        running = [asyncio.create_task(way.run()) for way in ways]

        async def farewell() -> None:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            await self.there.wait()
            await self.back.wait()

        ends = [asyncio.create_task(farewell()), asyncio.create_task(self.over.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for each in (*running, *ends):
            each.cancel()
        for side in (self.client, self.server):
            side.close()

    def abort(self) -> None:
        for side in (self.client, self.server):
            side.transport.abort()
        self.over.set()


class Link:
    """Listens on `port` of the loopback and passes everything on to `target`, as long as it is told to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cut = False
        self._held: tuple[str, ...] = ()
        self._connections: set[_Connection] = set()
        self._forgotten: set[_Connection] = set()
        self.port = 0

    def cut(self) -> None:
        """Both ends see their connections reset, and nobody gets a new one."""
        self._cut = True
        for connection in [*self._connections]:
            connection.abort()

    def hang(self, *ways: str) -> None:
        """Nothing passes any more in these directions ("there", "back"); nobody is told. Also for new connections."""
        self._held = ways
        for connection in self._connections:
            self._hold(connection)

    def forget(self) -> None:
        """What stands is dead without a word, for good, as after a firewall lost its memory; new ones pass."""
        for connection in [*self._connections]:
            connection.there.clear()
            connection.back.clear()
            self._forgotten.add(connection)

    def mend(self) -> None:
        """All is well again; what was held arrives."""
        self._cut, self._held = False, ()
        for connection in self._connections - self._forgotten:
            self._hold(connection)

    def _hold(self, connection: _Connection) -> None:
        for name, flowing in (("there", connection.there), ("back", connection.back)):
            if name in self._held:
                flowing.clear()
            elif connection not in self._forgotten:
                flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, to_server)
        self._connections.add(connection)
        self._hold(connection)
        try:
            await connection.carry(reader, from_server)
        finally:
            self._connections.discard(connection)
            self._forgotten.discard(connection)

    async def close(self) -> None:
        """End all connections."""
        for connection in [*self._connections]:
            connection.abort()


@asynccontextmanager
async def link_to(port: int) -> AsyncIterator[Link]:
    """A link to `port` of the loopback for the length of a block."""
    link = Link(port)
    server = await asyncio.start_server(link._serve, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        await link.close()
