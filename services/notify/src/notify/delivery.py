"""Handing mails to the office's mail server (SMTP, RFC 5321), over connections that are kept open."""

import asyncio
import re
from typing import Final

import aiosmtplib

from notify.mime import Mail
from notify.model import Trouble
from notify.pipeline import Pipeline
from notify.settings import Settings
from notify.signing import Signer

_TIMEOUT_SECONDS: Final = 30
#: The longest that one mail may take, all steps of the protocol together.
SEND_SECONDS: Final = 60
#: How many mails are on the wire at the same time.
CONNECTIONS: Final = 4
#: Replies to RCPT TO that say there is no such mailbox.
_NO_SUCH_RECIPIENT: Final = frozenset({550, 551, 553})

#: What no address holds and a command might end with.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f<>]")


class DeliveryError(Exception):
    """The mail was not handed over. `cause` names the error and holds no address."""

    def __init__(self, trouble: Trouble, error: Exception) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.cause = type(error).__name__


class _Connection:
    """One connection, which is opened when it is needed, and again when it has ended."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self._pipeline: Pipeline | None = None

    async def open(self) -> None:
        """Be ready for a mail."""
        if self._pipeline and not self._pipeline.usable:
            self.close()
        if self._client.is_connected:
            return
        await self._client.connect()
        if self._client.is_ehlo_or_helo_needed:
            await self._client.ehlo()
        if self._client.supports_extension("pipelining"):
            self._pipeline = Pipeline(self._client)

    async def send(self, mail: Mail, content: bytes) -> None:
        """Hand `content` over for `mail`'s recipient. Raises aiosmtplib's errors."""
        if mail.international and not self._client.supports_extension("smtputf8"):
            raise aiosmtplib.SMTPNotSupported("an address in another alphabet")
        options = ["SMTPUTF8"] if mail.international else []
        if self._pipeline:
            await self._pipeline.send(mail.sender, mail.recipient, content, "".join(f" {each}" for each in options))
        else:
            await self._client.sendmail(mail.sender, [mail.recipient], content, mail_options=options)

    def close(self) -> None:
        """End it."""
        self._client.close()
        self._pipeline = None


class Smtp:
    """A mail server, over up to CONNECTIONS connections that are kept open: a slow mail holds up no other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._signer = Signer(settings)
        self._idle: list[_Connection] = []
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def send(self, mail: Mail) -> None:
        """Return once the server has said 250. Raises DeliveryError, with its connection closed."""
        if _UNSAFE.search(mail.recipient):
            raise DeliveryError(Trouble.INVALID_ADDRESS, ValueError("it would be more than an address"))
        async with self._places:
            connection = self._idle.pop() if self._idle else _Connection(self._client())
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send(connection, mail)
            except BaseException as error:
                connection.close()
                if isinstance(error, TimeoutError):
                    raise DeliveryError(Trouble.UNREACHABLE, error) from error
                raise
            self._idle.append(connection)

    async def _send(self, connection: "_Connection", mail: Mail) -> None:
        try:
            await connection.open()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Whatever goes wrong before the first mail, a wrong password too, is the server's or ours, not the mail's.
            raise DeliveryError(Trouble.UNREACHABLE, error) from error
        try:
            # Signing takes its time, and others wait for this loop.
            signs = self._signer.signs
            content = await asyncio.to_thread(self._signer.sign, mail.content) if signs else mail.content
            await connection.send(mail, content)
        except aiosmtplib.SMTPNotSupported as error:  # nor will it be in an hour: somebody has to call
            raise DeliveryError(Trouble.REFUSED, error) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise DeliveryError(_of_code(error.recipients[0].code, to_recipient=True), error) from error
        except aiosmtplib.SMTPResponseException as error:
            raise DeliveryError(_of_code(error.code, to_recipient=False), error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise DeliveryError(Trouble.UNREACHABLE, error) from error

    def _client(self) -> aiosmtplib.SMTP:
        password = self._settings.smtp_password
        return aiosmtplib.SMTP(
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            username=self._settings.smtp_user,
            password=password.get_secret_value() if password else None,
            use_tls=self._settings.smtp_security == "tls",
            start_tls=self._settings.smtp_security == "starttls",
            timeout=_TIMEOUT_SECONDS,
        )

    def close(self) -> None:
        """Drop the idle connections; the next mail opens another."""
        while self._idle:
            self._idle.pop().close()


def _of_code(code: int, *, to_recipient: bool) -> Trouble:
    if code < 500:
        return Trouble.DEFERRED
    return Trouble.INVALID_ADDRESS if to_recipient and code in _NO_SUCH_RECIPIENT else Trouble.REFUSED
