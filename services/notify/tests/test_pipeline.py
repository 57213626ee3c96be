"""Mails to a server that takes commands together and mails in chunks, and to those that do not."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from mail_server import ALL_EXTENSIONS, smtp_server, tls_server

from notify import mime
from notify.delivery import DeliveryError, Smtp
from notify.mime import Mail, Part
from notify.model import Trouble
from notify.settings import Settings
from simulators.mail.mailbox import Mailbox


def mail(said: str = "x\n", recipient: str = "a@example.org") -> Mail:
    whole = mime.join("mixed", "=_b", [Part.text("plain", said)])
    return Mail("noreply@town.example", recipient, whole.head + b"\r\n" + whole.body)


class Recording(Mailbox):
    """Keeps what came, and which connections it came over; knows no nobody@example.org."""

    def __init__(self, extensions: Sequence[str]) -> None:
        super().__init__(100, extensions=extensions)
        self.contents: list[bytes] = []
        self.connections: list[SMTP] = []

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.contents.append(envelope.content)
        if server not in self.connections:
            self.connections.append(server)
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture(params=ALL_EXTENSIONS, ids="-".join)
def server(request: pytest.FixtureRequest) -> Recording:
    return Recording(request.param)


async def test_mails_go_over_one_connection_byte_by_byte(server: Recording, settings: Settings) -> None:
    """Also what would end a mail within SMTP."""
    mails = [mail(said) for said in ("x\n", ".\n..\n.x\n", "Straße\n" * 5000)]
    async with smtp_server(server) as port:
        smtp = Smtp(settings.model_copy(update={"smtp_port": port}))
        for each in mails:
            await smtp.send(each)
        smtp.close()
    assert server.contents == [each.content for each in mails]
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("recipient", "trouble"),
    [
        ("nobody@example.org", Trouble.INVALID_ADDRESS),
        ("a@example.org>\r\nRCPT TO:<b@example.org", Trouble.INVALID_ADDRESS),
    ],
)
async def test_who_is_refused_gets_nothing_and_the_next_mail_goes(
    server: Recording, settings: Settings, recipient: str, trouble: Trouble
) -> None:
    async with smtp_server(server) as port:
        smtp = Smtp(settings.model_copy(update={"smtp_port": port}))
        with pytest.raises(DeliveryError) as refused:
            await smtp.send(mail(recipient=recipient))
        assert refused.value.trouble == trouble
        await smtp.send(mail())
        smtp.close()
    assert len(server.contents) == 1


@pytest.mark.parametrize(
    ("fault", "trouble"), [("defer", Trouble.DEFERRED), ("refuse", Trouble.REFUSED), ("drop", Trouble.UNREACHABLE)]
)
async def test_what_the_server_says_of_the_mail_is_told(
    server: Recording, settings: Settings, fault: Any, trouble: Trouble
) -> None:
    async with smtp_server(server) as port:
        smtp = Smtp(settings.model_copy(update={"smtp_port": port}))
        server.behave(fault)
        with pytest.raises(DeliveryError) as told:
            await smtp.send(mail())
        assert told.value.trouble == trouble
        server.behave("none")
        await smtp.send(mail())
        smtp.close()


async def test_a_connection_that_the_server_has_ended_meanwhile_is_opened_again(
    server: Recording, settings: Settings
) -> None:
    """Servers say 421 to who stays silent for minutes, and go."""
    async with smtp_server(server) as port:
        smtp = Smtp(settings.model_copy(update={"smtp_port": port}))
        await smtp.send(mail())
        (connection,) = server.connections
        await connection.push("421 4.4.2 timeout")
        assert connection.transport is not None
        connection.transport.close()
        await asyncio.sleep(0.1)
        await smtp.send(mail())
        smtp.close()
    assert len(server.connections) == 2


async def test_a_server_that_speaks_something_else_is_out_of_reach_or_asked_later(settings: Settings) -> None:
    async def gibberish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        await reader.readline()
        writer.write(b"250-x\r\n250 PIPELINING\r\n")
        await reader.readline()
        writer.write(b"what?\r\n")

    async with await asyncio.start_server(gibberish, "127.0.0.1", 0) as server:
        smtp = Smtp(settings.model_copy(update={"smtp_port": server.sockets[0].getsockname()[1]}))
        with pytest.raises(DeliveryError) as told:
            await smtp.send(mail())
    assert told.value.trouble == Trouble.DEFERRED


async def test_a_server_that_knows_no_other_alphabet_refuses_at_once(server: Recording, settings: Settings) -> None:
    """It will not learn it within a day of tries: somebody has to call."""
    async with smtp_server(server, enable_SMTPUTF8=False) as port:
        smtp = Smtp(settings.model_copy(update={"smtp_port": port}))
        with pytest.raises(DeliveryError) as told:
            await smtp.send(mail(recipient="jürgen@example.org"))
        await smtp.send(mail())
        smtp.close()
    assert told.value.trouble == Trouble.REFUSED
    assert len(server.contents) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_the_same_over_tls(
    server: Recording, settings: Settings, certificate: ssl.SSLContext, security: str
) -> None:
    """Without it nothing is sent: the server insists."""
    async with tls_server(server, certificate, security) as port:
        reached = settings.model_copy(update={"smtp_host": "localhost", "smtp_port": port, "smtp_security": security})
        smtp = Smtp(reached)
        for _ in range(2):
            await smtp.send(mail())
        smtp.close()
    assert len(server.contents) == 2
    assert len(server.connections) == 1
