"""A real mail server for tests, on a port of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from simulators.mail.mailbox import Mailbox
from simulators.mail.smtp import Server

#: What servers say that they know: nearly all, many, some old ones.
ALL_EXTENSIONS = (("PIPELINING", "CHUNKING"), ("PIPELINING",), ())


@asynccontextmanager
async def smtp_server(
    mailbox: Mailbox, port: int = 0, *, ssl_context: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[int]:
    """A block during which it runs; its port. With `ssl_context` it speaks TLS from the first byte."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Server(mailbox, **({"enable_SMTPUTF8": True} | settings)), "127.0.0.1", port, ssl=ssl_context
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


def tls_server(mailbox: Mailbox, certificate: ssl.SSLContext, security: str) -> AbstractAsyncContextManager[int]:
    """One that keeps to `security`, in the words of SCHALTER_SMTP_SECURITY."""
    if security == "tls":
        return smtp_server(mailbox, ssl_context=certificate)
    return smtp_server(mailbox, tls_context=certificate, require_starttls=True)
