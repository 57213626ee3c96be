"""A real mail server for tests, on a port of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from simulators.mail.mailbox import Mailbox
from simulators.mail.smtp import Server

#: What servers say that they know: nearly all, many, some old ones.
ALL_EXTENSIONS = (("PIPELINING", "CHUNKING"), ("PIPELINING",), ())


@asynccontextmanager
async def smtp_server(mailbox: Mailbox, port: int = 0, **settings: Any) -> AsyncIterator[int]:
    """A block during which it runs; its port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Server(mailbox, enable_SMTPUTF8=True, **settings), "127.0.0.1", port
    )
    async with server:
        yield server.sockets[0].getsockname()[1]
