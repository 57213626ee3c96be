"""Starts the simulator: `python -m simulators.mail`."""

import asyncio

import uvicorn
from aiosmtpd.smtp import SMTP

from simulators.mail.app import build
from simulators.mail.mailbox import Mailbox
from simulators.mail.settings import Settings


async def serve(settings: Settings) -> None:
    """Take mails by SMTP and show them by HTTP until told to stop."""
    mailbox = Mailbox(settings.mail_keep)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="mail.simulator"),
        settings.mail_host,
        settings.mail_smtp_port,
    )
    config = uvicorn.Config(
        build(mailbox), host=settings.mail_host, port=settings.mail_http_port, log_level="warning", access_log=False
    )
    async with smtp:
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(Settings()))
