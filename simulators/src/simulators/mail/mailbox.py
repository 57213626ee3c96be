"""The mails that arrived, newest first, and the faults that the server shall show."""

import asyncio
import itertools
import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

#: How the server behaves: as it should, 20 s slow, "try later", "never", or hanging up before the final 250.
Fault = Literal["none", "slow", "defer", "refuse", "drop"]
_LINK: Final = re.compile(r"https?://[^\s<>\"]+")
_SLOW_SECONDS: Final = 20


@dataclass(frozen=True)
class Attachment:
    """A part of a mail that is no text to read."""

    name: str
    content_type: str
    content: str


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived."""

    id: int
    received_at: datetime
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    links: tuple[str, ...]
    attachments: tuple[Attachment, ...]


class Mailbox:
    """Keeps the newest `keep` mails and speaks SMTP through `handle_DATA`."""

    def __init__(self, keep: int) -> None:
        self._mails: deque[Mail] = deque(maxlen=keep)
        self._ids = itertools.count(1)
        self.fault: Fault = "none"

    def all(self, recipient: str | None = None) -> list[Mail]:
        """The mails, newest first; those to `recipient` alone when given."""
        return [mail for mail in reversed(self._mails) if recipient is None or recipient in mail.recipients]

    def get(self, mail_id: int) -> Mail | None:
        """The mail numbered `mail_id`, if it is still kept."""
        return next((mail for mail in self._mails if mail.id == mail_id), None)

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, or fail as told."""
        fault = self.fault
        if fault == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        if fault == "defer":
            return "451 4.3.0 Try again later"
        if fault == "refuse":
            return "550 5.1.1 No such user here"
        self._mails.append(self._read(envelope))
        if fault == "drop" and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()  # the mail is taken, and the sender never learns of it
        return "250 OK"

    def _read(self, envelope: Envelope) -> Mail:
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        plain = text.get_content() if text else ""
        return Mail(
            id=next(self._ids),
            received_at=datetime.now(UTC),
            message_id=str(message["Message-ID"] or ""),
            sender=str(message["From"] or envelope.mail_from),
            recipients=tuple(envelope.rcpt_tos),
            subject=str(message["Subject"] or "").strip(),  # a long one is folded before its first word
            text=plain,
            html=html.get_content() if html else "",
            links=tuple(_LINK.findall(plain)),
            attachments=tuple(_attachments(message)),
        )


def _attachments(message: EmailMessage) -> list[Attachment]:
    found = []
    for part in message.walk():
        if part.is_multipart() or part.get_content_type() in ("text/plain", "text/html"):
            continue
        content = part.get_content()
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        found.append(Attachment(part.get_filename() or "part", part.get_content_type(), text))
    return found
