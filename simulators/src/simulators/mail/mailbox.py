"""The mails that arrived, newest first, and the faults that the server shall show."""

import asyncio
import itertools
import random
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from simulators.mail.returns import Returns

#: How the server behaves: as it should, 20 s slow, "try later", "never", hanging up before the final 250 with the mail
#: taken, or without, or giving it back afterwards.
Fault = Literal["none", "slow", "defer", "refuse", "drop", "lose", "bounce"]
_LINK: Final = re.compile(r"https?://[^\s<>\"]+")
_SLOW_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Faults:
    """How the server misbehaves: each share (0 to 1) of the mails meets that fault; every mail takes `slow` seconds.

    `defer`: 451, try later. `refuse`: 550, never. `drop`: the mail is taken, and the connection ends before the final
    250, so that the sender cannot know. `lose`: the same, and the mail is not taken. `bounce`: the mail is taken with a
    250, and comes back a moment later to where its envelope says, if the simulator was told which server that is.
    """

    slow: float = 0.0
    defer: float = 0.0
    refuse: float = 0.0
    drop: float = 0.0
    lose: float = 0.0
    bounce: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.defer, self.refuse, self.drop, self.lose, self.bounce)
        if min(self.slow, *shares) < 0 or sum(shares) > 1:
            raise ValueError("shares are at least 0 and at most 1 together; slow is a number of seconds")

    @classmethod
    def all_the_time(cls, fault: Fault) -> "Faults":
        """Every mail meets `fault`."""
        if fault == "none":
            return cls()
        return cls(slow=_SLOW_SECONDS) if fault == "slow" else cls(**{fault: 1.0})

    def draw(self) -> Fault:
        """What happens to the next mail."""
        left = random.random()  # noqa: S311 - dice, not a secret
        chances: tuple[tuple[Fault, float], ...] = (
            ("defer", self.defer),
            ("refuse", self.refuse),
            ("drop", self.drop),
            ("lose", self.lose),
            ("bounce", self.bounce),
        )
        for fault, share in chances:
            if left < share:
                return fault
            left -= share
        return "none"


@dataclass(frozen=True)
class Attachment:
    """A part of a mail that is no text to read."""

    name: str
    content_type: str
    content: str


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived. `told`: whether its sender heard the final 250."""

    id: int
    told: bool
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
    """Keeps the newest `keep` mails and speaks SMTP through `handle_DATA`.

    As nearly all servers it takes commands together and mails in chunks, unless `extensions` says otherwise.
    """

    def __init__(
        self, keep: int, *, extensions: Sequence[str] = ("PIPELINING", "CHUNKING"), returns: Returns | None = None
    ) -> None:
        self._returns = returns
        self._extensions = extensions
        self._mails: deque[Mail] = deque(maxlen=keep)
        self._ids = itertools.count(1)
        self.faults = Faults()

    def behave(self, fault: Fault) -> None:
        """From now on every mail meets `fault`."""
        self.faults = Faults.all_the_time(fault)

    def all(self, recipient: str | None = None) -> list[Mail]:
        """The mails, newest first; those to `recipient` alone when given."""
        return [mail for mail in reversed(self._mails) if recipient is None or recipient in mail.recipients]

    def get(self, mail_id: int) -> Mail | None:
        """The mail numbered `mail_id`, if it is still kept."""
        return next((mail for mail in self._mails if mail.id == mail_id), None)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, session: Session, __: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Say what the server knows."""
        session.host_name = hostname
        return [*responses[:-1], *(f"250-{each}" for each in self._extensions), responses[-1]]

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, or fail as told."""
        await asyncio.sleep(self.faults.slow)
        fault = self.faults.draw()
        if fault == "defer":
            return "451 4.3.0 Try again later"
        if fault == "refuse":
            return "550 5.1.1 No such user here"
        if fault == "bounce" and self._returns is not None:
            self._returns.send(envelope)
            return "250 OK"
        if fault != "lose":
            self._mails.append(self._read(envelope, told=fault == "none"))
        if fault in ("drop", "lose") and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()  # the sender never learns what became of the mail
        return "250 OK"

    def _read(self, envelope: Envelope, *, told: bool) -> Mail:
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        plain = text.get_content() if text else ""
        return Mail(
            id=next(self._ids),
            told=told,
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
