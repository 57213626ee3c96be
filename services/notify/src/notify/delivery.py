"""Handing mails to the office's mail server (SMTP, RFC 5321), over one connection that is kept open."""

from email.message import EmailMessage
from typing import Final

import aiosmtplib

from notify.model import Trouble
from notify.settings import Settings

_TIMEOUT_SECONDS: Final = 30
#: Replies to RCPT TO that say there is no such mailbox.
_NO_SUCH_RECIPIENT: Final = frozenset({550, 551, 553})


class DeliveryError(Exception):
    """The mail was not handed over. `cause` names the error and holds no address."""

    def __init__(self, trouble: Trouble, error: Exception) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.cause = type(error).__name__


class Smtp:
    """A mail server. Not for concurrent use: one sender, one connection."""

    def __init__(self, settings: Settings) -> None:
        password = settings.smtp_password
        self._client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=password.get_secret_value() if password else None,
            start_tls=settings.smtp_starttls,
            timeout=_TIMEOUT_SECONDS,
        )

    async def send(self, mail: EmailMessage) -> None:
        """Return once the server has said 250. Raises DeliveryError, with a closed connection."""
        try:
            if not self._client.is_connected:
                await self._client.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Whatever goes wrong before the first mail, a wrong password too, is the server's or ours, not the mail's.
            self.close()
            raise DeliveryError(Trouble.UNREACHABLE, error) from error
        try:
            await self._client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            self.close()
            raise DeliveryError(_of_code(error.recipients[0].code, to_recipient=True), error) from error
        except aiosmtplib.SMTPResponseException as error:
            self.close()
            raise DeliveryError(_of_code(error.code, to_recipient=False), error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self.close()
            raise DeliveryError(Trouble.UNREACHABLE, error) from error

    def close(self) -> None:
        """Drop the connection; the next mail opens another."""
        self._client.close()


def _of_code(code: int, *, to_recipient: bool) -> Trouble:
    if code < 500:
        return Trouble.DEFERRED
    return Trouble.INVALID_ADDRESS if to_recipient and code in _NO_SUCH_RECIPIENT else Trouble.REFUSED
