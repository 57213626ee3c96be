"""Mails that come back: reports (RFC 3464) to the envelope's sender, as an unknown recipient's server writes them."""

import asyncio
import smtplib
from email import policy
from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate
from typing import Final, Literal

from aiosmtpd.smtp import Envelope

Action = Literal["failed", "delayed", "relayed"]
_TRIES: Final = 20


def report(back_to: str, recipient: str, action: Action = "failed", status: str = "5.1.1") -> bytes:
    """What a mail server says to `back_to` about a mail to `recipient`."""
    mail = MIMEMultipart("report")
    mail.set_param("report-type", "delivery-status")
    mail["From"], mail["To"] = "MAILER-DAEMON@mail.simulator", back_to
    mail["Subject"], mail["Date"], mail["Auto-Submitted"] = "Delivery report", formatdate(), "auto-replied"
    mail.attach(MIMEText("This is the mail system of the simulator.\n"))
    server, about = Message(), Message()
    server["Reporting-MTA"] = "dns; mail.simulator"
    about["Final-Recipient"], about["Action"], about["Status"] = f"rfc822; {recipient}", action, status
    status_part = Message()
    status_part["Content-Type"] = "message/delivery-status"
    status_part.set_payload([server, about])
    mail.attach(status_part)
    return mail.as_bytes(policy=policy.SMTP)


def answer_from_holidays(back_to: str) -> bytes:
    """What people's programs say while they are away (RFC 3834)."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Auto-Submitted"] = "amelie@example.org", back_to, "auto-replied"
    mail["Subject"] = "Out of office"
    mail.set_content("I am away until Monday.")
    return mail.as_bytes()


class Returns:
    """Hands reports to the server at `host` and `port`."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, envelope: Envelope) -> None:
        """Begin to give a mail back."""
        task = asyncio.get_running_loop().create_task(self._send(str(envelope.mail_from), envelope.rcpt_tos[0]))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, back_to: str, recipient: str) -> None:
        for _ in range(_TRIES):
            try:
                await asyncio.to_thread(self.hand_over, back_to, report(back_to, recipient))
            except smtplib.SMTPRecipientsRefused:
                return
            except (smtplib.SMTPException, OSError):
                await asyncio.sleep(1)
            else:
                return

    def hand_over(self, back_to: str, content: bytes) -> None:
        """Hand one mail over, with no sender: nobody reports on a report. Raises smtplib's errors."""
        with smtplib.SMTP(self._host, self._port, timeout=10) as server:
            server.sendmail("", [back_to], content)
