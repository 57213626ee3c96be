"""Whether the mail server is spoken to as it expects: the wrong kind of TLS shows as silence, and mails wait a day."""

import asyncio
import ssl
from typing import Final

import structlog

from notify.settings import Settings

log = structlog.get_logger(__name__)

#: How long a server may take to say who it is; those that let strangers wait on purpose take six.
_GREETING_SECONDS: Final = 8
_RETRY_SECONDS: Final = 30
_NEVER_TLS_FIRST: Final = "it begins without TLS: set SCHALTER_SMTP_SECURITY to starttls"
_TLS_FIRST: Final = "it speaks TLS from the first byte: set SCHALTER_SMTP_SECURITY to tls"


async def flaw(settings: Settings) -> str | None:
    """What is wrong with the settings, in words for who made them; None if the server can be spoken to by them.

    Raises OSError if it cannot be reached.
    """
    expected = await _greets(settings, tls=settings.smtp_security == "tls", commands=b"EHLO localhost\r\n")
    if expected is None:
        other = await _greets(settings, tls=settings.smtp_security != "tls")
        if other is None:
            return "it says nothing that a mail server says"
        return _NEVER_TLS_FIRST if settings.smtp_security == "tls" else _TLS_FIRST
    if settings.smtp_security == "starttls" and b"STARTTLS" not in expected.upper():
        return "it offers no STARTTLS: set SCHALTER_SMTP_SECURITY to tls if another port of it speaks TLS"
    return None


async def watch(settings: Settings) -> None:
    """Says in the log, within seconds of the start, what is wrong; waits for a server that is away."""
    while True:
        try:
            found = await flaw(settings)
        except OSError:  # the sender says so itself
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        if found is not None:
            log.error("smtp_settings_wrong", host=settings.smtp_host, port=settings.smtp_port, reason=found)
        return


async def _greets(settings: Settings, *, tls: bool, commands: bytes = b"") -> bytes | None:
    """What the server says first and to `commands`; None if it stays silent or says what no mail server says."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is told to it here
    writer = None
    try:
        async with asyncio.timeout(_GREETING_SECONDS):
            reader, writer = await asyncio.open_connection(
                settings.smtp_host, settings.smtp_port, ssl=context if tls else None
            )
            said = await _reply(reader)
            if not said.startswith(b"220"):
                return None
            if commands:
                writer.write(commands)
                said += await _reply(reader)
            return said
    except (ssl.SSLError, ConnectionResetError, asyncio.IncompleteReadError):
        return None
    except TimeoutError:
        if writer is None and not tls:
            raise  # not even a connection
        return None
    finally:
        if writer is not None:
            writer.close()


async def _reply(reader: asyncio.StreamReader) -> bytes:
    """A reply of one line or more (RFC 5321, 4.2)."""
    said = b""
    while True:
        line = await reader.readuntil(b"\n")
        said += line
        if line[3:4] != b"-":
            return said
