"""A mail server of a hundred lines that takes every mail and notes when: it costs next to nothing, and can be slow."""

import asyncio
import time
from typing import cast


class Sink:
    """SMTP (RFC 5321) as far as our sender speaks it. `delay`: seconds before each final 250."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.taken: dict[str, float] = {}
        self._awaited: dict[str, asyncio.Event] = {}

    async def serve(self) -> tuple[asyncio.Server, int]:
        """The server and its port."""
        server = await asyncio.get_running_loop().create_server(lambda: _Session(self), "127.0.0.1", 0)
        return server, int(server.sockets[0].getsockname()[1])

    async def mail_to(self, recipient: str) -> float:
        """When the first mail to `recipient` was taken, by time.perf_counter(), once it is."""
        if recipient not in self.taken:
            await self._awaited.setdefault(recipient, asyncio.Event()).wait()
        return self.taken[recipient]

    def take(self, recipient: str) -> None:
        """Note a mail."""
        self.taken.setdefault(recipient, time.perf_counter())
        if awaited := self._awaited.pop(recipient, None):
            awaited.set()


class _Session(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._received = bytearray()
        self._mail_bytes = 0
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop does not derive its transports from asyncio's classes.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._say("220 bench")

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._mail_bytes or b"\r\n" in self._received:
            if self._mail_bytes:
                if len(self._received) < self._mail_bytes:
                    return
                del self._received[: self._mail_bytes]
                self._mail_bytes = 0
                asyncio.get_running_loop().call_later(self._sink.delay, self._accept, self._recipient)
            else:
                line, _, rest = bytes(self._received).partition(b"\r\n")
                self._received = bytearray(rest)
                self._command(line)

    def _accept(self, recipient: str) -> None:
        self._sink.take(recipient)
        if not self._transport.is_closing():
            self._say("250 taken")

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._say("250-bench\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-8BITMIME\r\n250 SMTPUTF8")
        elif verb == b"BDAT":  # with LAST: our sender's mails are one chunk
            self._mail_bytes = int(line.split()[1])
        elif verb == b"QUIT":
            self._say("221 bye")
            self._transport.close()
        else:
            if verb == b"RCPT":
                self._recipient = line[line.find(b"<") + 1 : line.find(b">")].decode()
            self._say("250 ok")

    def _say(self, reply: str) -> None:
        self._transport.write(reply.encode() + b"\r\n")
