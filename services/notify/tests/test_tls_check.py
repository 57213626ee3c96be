"""A wrong choice of TLS is named within seconds, not after a day of tries."""

import asyncio
import ssl
from typing import Any

import pytest
from mail_server import smtp_server, tls_server
from pydantic import ValidationError
from structlog.testing import capture_logs

from notify import tls_check
from notify.settings import Settings
from simulators.mail.mailbox import Mailbox


def spoken_to(settings: Settings, port: int, security: str) -> Settings:
    return settings.model_copy(update={"smtp_host": "localhost", "smtp_port": port, "smtp_security": security})


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_what_fits_is_silent(settings: Settings, certificate: ssl.SSLContext, security: str) -> None:
    async with tls_server(Mailbox(1), certificate, security) as port:
        assert await tls_check.flaw(spoken_to(settings, port, security)) is None


async def test_a_server_without_tls_fits_none(settings: Settings) -> None:
    async with smtp_server(Mailbox(1)) as port:
        assert await tls_check.flaw(spoken_to(settings, port, "none")) is None
        assert "no STARTTLS" in str(await tls_check.flaw(spoken_to(settings, port, "starttls")))


@pytest.mark.parametrize(
    ("speaks", "chosen", "right"), [("tls", "starttls", "tls"), ("tls", "none", "tls"), ("starttls", "tls", "starttls")]
)
async def test_the_wrong_one_is_named_with_the_right_one(
    settings: Settings,
    certificate: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    speaks: str,
    chosen: str,
    right: str,
) -> None:
    monkeypatch.setattr(tls_check, "_GREETING_SECONDS", 2.0)
    async with tls_server(Mailbox(1), certificate, speaks) as port:
        with capture_logs() as logs:
            async with asyncio.timeout(30):
                await tls_check.watch(spoken_to(settings, port, chosen))
    (line,) = logs
    assert (line["event"], line["log_level"], line["port"]) == ("smtp_settings_wrong", "error", port)
    assert line["reason"].endswith(f"SCHALTER_SMTP_SECURITY to {right}")


async def test_what_is_no_mail_server_is_named(settings: Settings) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n")
        writer.close()

    async with await asyncio.start_server(web, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "nothing that a mail server says" in str(await tls_check.flaw(spoken_to(settings, port, "starttls")))


async def test_a_server_that_is_away_is_no_wrong_setting(settings: Settings, unused_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        await tls_check.flaw(spoken_to(settings, unused_port, "starttls"))


async def test_a_server_that_is_away_is_waited_for_and_then_looked_at(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Exception | str] = [ConnectionRefusedError(), TimeoutError(), "it says nothing"]
    slept: list[float] = []

    async def flaw(_: Settings) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(tls_check, "flaw", flaw)
    monkeypatch.setattr("notify.tls_check.asyncio.sleep", sleep)
    with capture_logs() as logs:
        await tls_check.watch(settings)
    assert (len(slept), min(slept) > 0) == (2, True)
    assert [line["reason"] for line in logs] == ["it says nothing"]


@pytest.fixture
def unused_port() -> int:
    from schalter.embedded import free_port

    return free_port()


@pytest.mark.parametrize(
    ("port", "security", "right"),
    [(465, "starttls", "tls"), (465, "none", "tls"), (587, "tls", "starttls"), (25, "tls", "starttls")],
)
def test_a_port_with_a_meaning_of_its_own_is_refused_at_the_start(
    settings: Settings, port: int, security: str, right: str
) -> None:
    given: dict[str, Any] = settings.model_dump() | {"smtp_port": port, "smtp_security": security}
    with pytest.raises(ValidationError, match=f"{port} .* set SCHALTER_SMTP_SECURITY to {right}"):
        Settings.model_validate(given)


@pytest.mark.parametrize(("port", "security"), [(465, "tls"), (587, "starttls"), (25, "starttls"), (2525, "tls")])
def test_what_fits_the_port_is_taken(settings: Settings, port: int, security: str) -> None:
    given: dict[str, Any] = settings.model_dump() | {"smtp_port": port, "smtp_security": security}
    assert Settings.model_validate(given).smtp_security == security
