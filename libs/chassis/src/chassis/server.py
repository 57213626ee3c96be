"""How uvicorn answers: head and body of a response in one packet. Given to it as `--http chassis.server:OnePacket`.

uvicorn writes the head when it hears of it and the body after that, and every write is a call of the kernel and a
packet, which on a shared machine cost more than a short answer itself.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OnePacket(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it; what it writes in one turn of the loop leaves together."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Called by asyncio."""
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, _Gathering(transport))

    def handle_websocket_upgrade(self) -> None:
        """The socket's protocol gets the connection itself: it waits for answers to what it writes."""
        gathering = cast(_Gathering, self.transport)
        gathering.flush()
        self.transport = gathering.transport
        super().handle_websocket_upgrade()


class _Gathering:
    """A transport that writes at the end of the loop's turn; else `transport` itself."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._unsent: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self.flush)
        self._unsent.append(data)

    def flush(self) -> None:
        if self._unsent:
            self.transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def close(self) -> None:
        self.flush()
        self.transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)
