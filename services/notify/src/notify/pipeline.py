"""A mail in two round trips instead of four, where the server takes commands together (RFC 2920), as nearly all do.

In one where it takes mails as chunks, too (RFC 3030), which need no word that it is ready for them.

aiosmtplib opens the connection (TLS, sign-in) and hands it over: it waits for a reply after each command.
"""

import asyncio
from collections import deque
from typing import Final, cast

import aiosmtplib

_LONGEST_LINE: Final = 8192
_GO_ON, _TAKEN, _DONE = 354, frozenset({250, 251, 252}), 250


class Pipeline(asyncio.Protocol):
    """An open connection, from now on for mails alone. After an error it has to be closed: it may be within a mail."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._chunks = client.supports_extension("chunking")
        # uvloop does not derive its transports from asyncio's classes.
        self._transport = cast(asyncio.Transport, client.transport)
        self._received = bytearray()
        self._replies: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether the server waits for a mail: it has not ended the connection, nor said that it will."""
        return not self._ended and not self._replies and not self._transport.is_closing()

    async def send(self, sender: str, recipient: str, content: bytes, options: str = "") -> None:
        """Return once the server has said 250 to `content`, whose lines end in CRLF. Raises aiosmtplib's errors."""
        envelope = f"MAIL FROM:<{sender}>{options}\r\nRCPT TO:<{recipient}>\r\n".encode()
        content_follows = b"BDAT %d LAST\r\n%b" % (len(content), content) if self._chunks else b"DATA\r\n"
        self._transport.write(envelope + content_follows)
        code, said = await self._reply()
        if code != _DONE:
            raise aiosmtplib.SMTPSenderRefused(code, said, sender)
        code, said = await self._reply()
        if code not in _TAKEN:
            raise aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(code, said, recipient)])
        code, said = await self._reply()
        if code == _GO_ON and not self._chunks:
            self._transport.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            code, said = await self._reply()
        if code != _DONE:
            raise aiosmtplib.SMTPDataError(code, said)

    async def _reply(self) -> tuple[int, str]:
        while not self._replies:
            if self._ended:
                raise aiosmtplib.SMTPServerDisconnected("the connection has ended")
            self._news.clear()
            await self._news.wait()
        line = self._replies.popleft()
        if not line[:3].isdigit():
            raise aiosmtplib.SMTPResponseException(-1, "unintelligible")
        return int(line[:3]), line[4:].decode(errors="replace")

    def data_received(self, data: bytes) -> None:
        """What the server says: of a reply of several lines the last one counts."""
        self._received += data
        while (end := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:end]).rstrip()
            del self._received[: end + 1]
            if line[3:4] != b"-":
                self._replies.append(line)
                self._news.set()
        if len(self._received) > _LONGEST_LINE:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any longer."""
        self._ended = True
        self._news.set()
