"""A real mail server for tests, on a port of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP

from simulators.mail.mailbox import Mailbox


class Together(Mailbox):
    """As nearly all servers it takes commands together (RFC 2920)."""

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Say so."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]


@asynccontextmanager
async def smtp_server(mailbox: Mailbox, port: int = 0, **settings: Any) -> AsyncIterator[int]:
    """A block during which it runs; its port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, **settings), "127.0.0.1", port
    )
    async with server:
        yield server.sockets[0].getsockname()[1]
