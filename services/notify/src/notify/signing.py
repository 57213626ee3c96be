"""Signing mails, so that receivers can tell them from forged ones (DKIM, RFC 6376)."""

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

    def sign(self, content: bytes) -> bytes:
        """`content`, which is ASCII so that no server on the way has to change it, with its signature on top."""
        if self._key is None:
            return content
        signature: bytes = dkim.sign(
            content,
            self._selector,
            self._domain,
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(_HEADERS),
        )
        return signature + content
