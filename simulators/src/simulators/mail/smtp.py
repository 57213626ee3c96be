"""The protocol of the mail simulator: aiosmtpd's, and mails that come in chunks (RFC 3030)."""

from aiosmtpd.smtp import SMTP, Envelope, syntax


class Server(SMTP):
    """One connection. Its handler says whether it takes commands together (RFC 2920) and chunks."""

    @syntax("BDAT size [LAST]")
    async def smtp_BDAT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a chunk, and with the last one the mail. What is refused is read, too, for it comes (RFC 3030, 2)."""
        size, _, last = (arg or "").partition(" ")
        if not size.isdigit() or last.upper() not in ("", "LAST"):
            await self.push("501 Syntax: BDAT size [LAST]")
            return
        chunk = await self._reader.readexactly(int(size))
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        self.envelope.content = self.envelope.original_content = (self.envelope.original_content or b"") + chunk
        if last:
            status = await self.event_handler.handle_DATA(self, self.session, self.envelope)
            self.envelope = Envelope()
            await self.push(status)
        else:
            await self.push("250 OK")
