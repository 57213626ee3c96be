"""Signing mails, so that receivers can tell them from forged ones (DKIM, RFC 6376)."""

from email import policy
from email.message import EmailMessage
from typing import Final

import dkim

from notify.settings import Settings

#: Signed twice in the end, as RFC 6376, 8.15 advises: a second one of these added on the way breaks the signature.
_HEADERS: Final = (b"From", b"To", b"Reply-To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type")


class Signer:
    """Puts mails on the wire, signed where the office's domain has a key."""

    def __init__(self, settings: Settings) -> None:
        self._domain = (settings.dkim_domain or "").encode()
        self._selector = (settings.dkim_selector or "").encode()
        key = settings.dkim_private_key
        # A key in an environment variable often has its line breaks written as two characters.
        self._key = key.get_secret_value().replace("\\n", "\n").encode() if key else None

    @property
    def signs(self) -> bool:
        """Whether there is a key."""
        return self._key is not None

    def wire(self, mail: EmailMessage) -> bytes:
        """The bytes of `mail` as they are sent. All are ASCII: no server on the way has to change what was signed."""
        content = mail.as_bytes(policy=policy.SMTP.clone(cte_type="7bit"))
        if self._key is None:
            return content
        signature: bytes = dkim.sign(
            content,
            self._selector,
            self._domain,
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[header for header in _HEADERS if mail[header.decode()] is not None],
        )
        return signature + content
