"""Starts the simulator: `python -m simulators.mail`."""

import asyncio

import uvicorn

from simulators.mail.app import build
from simulators.mail.mailbox import Mailbox
from simulators.mail.returns import Returns
from simulators.mail.settings import Settings
from simulators.mail.smtp import Server


async def serve(settings: Settings) -> None:
    """Take mails by SMTP and show them by HTTP until told to stop."""
    port = settings.mail_return_port
    mailbox = Mailbox(settings.mail_keep, returns=Returns(settings.mail_host, port) if port else None)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: Server(mailbox, enable_SMTPUTF8=True, hostname="mail.simulator"),
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
