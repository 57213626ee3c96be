"""The mail simulator misbehaves as told, so that others can show that they bear it."""

import asyncio
from collections.abc import AsyncIterator

import aiosmtplib
import httpx
import pytest
from pydantic import ValidationError

from simulators.mail.app import build
from simulators.mail.mailbox import Fault, Faults, Mailbox
from simulators.mail.smtp import Server

MAIL = b"From: a@example.org\r\nTo: b@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: Hello\r\n\r\nHello\r\n"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(100)


@pytest.fixture
async def port(mailbox: Mailbox) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(lambda: Server(mailbox), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def send(port: int) -> object:
    """None when the server said 250, otherwise its code or the error's name."""
    try:
        await aiosmtplib.send(
            MAIL, sender="a@example.org", recipients=["b@example.org"], hostname="127.0.0.1", port=port
        )
    except aiosmtplib.SMTPResponseException as error:
        return error.code if error.code > 0 else "SMTPServerDisconnected"
    except aiosmtplib.SMTPException as error:
        return type(error).__name__
    return None


@pytest.mark.parametrize(
    ("fault", "heard", "kept"),
    [
        ("none", None, 1),
        ("defer", 451, 0),
        ("refuse", 550, 0),
        ("drop", "SMTPServerDisconnected", 1),
        ("lose", "SMTPServerDisconnected", 0),
    ],
)
async def test_each_fault_is_what_the_sender_hears_and_what_is_kept(
    mailbox: Mailbox, port: int, fault: Fault, heard: object, kept: int
) -> None:
    mailbox.behave(fault)
    assert await send(port) == heard
    assert len(mailbox.all()) == kept


async def test_a_slow_server_takes_its_time(mailbox: Mailbox, port: int) -> None:
    mailbox.faults = Faults(slow=0.2)
    started = asyncio.get_running_loop().time()
    assert await send(port) is None
    assert asyncio.get_running_loop().time() - started >= 0.2


def test_shares_are_met_roughly() -> None:
    drawn = [Faults(defer=0.3, drop=0.2).draw() for _ in range(10_000)]
    assert 2_500 < drawn.count("defer") < 3_500
    assert 1_500 < drawn.count("drop") < 2_500
    assert drawn.count("none") == 10_000 - drawn.count("defer") - drawn.count("drop")


def test_shares_beyond_everything_are_refused() -> None:
    with pytest.raises(ValueError, match="shares"):
        Faults(defer=0.7, drop=0.7)
    with pytest.raises((ValueError, ValidationError)):
        Faults(slow=-1)


async def test_tests_set_the_faults_and_read_the_log_over_http(mailbox: Mailbox, port: int) -> None:
    transport = httpx.ASGITransport(app=build(mailbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail") as client:
        answer = await client.put("/mail/api/faults", json={"defer": 1})
        assert answer.json() == {"slow": 0, "defer": 1, "refuse": 0, "drop": 0, "lose": 0, "bounce": 0}
        assert await send(port) == 451
        assert (await client.put("/mail/api/faults", json={"defer": 2})).status_code == 422
        await client.put("/mail/api/faults", json={})
        assert await send(port) is None
        (entry,) = (await client.get("/mail/api/log")).json()
        assert (entry["message_id"], entry["to"]) == ("<1@example.org>", ["b@example.org"])
