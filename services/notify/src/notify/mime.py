"""A mail as it goes over the wire (RFC 5322, MIME), written at once.

The standard library's EmailMessage parses and folds every header again for each part that is added, 4 ms for one mail.
Here only what differs between mails is worked on; `Mail.read` is the library's own reading of the result.
"""

import binascii
import re
from dataclasses import dataclass
from email import message_from_string, policy
from email.headerregistry import Address
from email.message import EmailMessage
from functools import lru_cache
from typing import Final

#: An address that needs neither quoting nor folding nor another alphabet: nearly all.
_PLAIN_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
#: Text that is its own form in a header; what looks like the beginning of encoded text is not.
_PLAIN_TEXT: Final = re.compile(r"(?!.*=\?)[ -~]+")
_LINE: Final = 76
_COLUMNS: Final = 78
#: Of a header in another alphabet: what fits into one word of its, and into its first line.
_WORD_BYTES: Final = 42


@dataclass(frozen=True)
class Mail:
    """What the mail server gets: envelope and content. The content is ASCII but for an address that is not."""

    sender: str
    recipient: str
    content: bytes

    @property
    def international(self) -> bool:
        """Whether the server has to know other alphabets in addresses (SMTPUTF8, RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())

    def read(self) -> EmailMessage:
        """The mail as its reader's program sees it."""
        mail = message_from_string(self.content.decode().replace("\r\n", "\n"), policy=policy.default)
        assert isinstance(mail, EmailMessage), "what the policy makes"
        return mail


@dataclass(frozen=True)
class Part:
    """One part of a mail: its headers and its body, ready."""

    head: bytes
    body: bytes

    @classmethod
    def text(cls, subtype: str, said: str) -> "Part":
        """Readable text, quoted-printable: what no server on the way has to change."""
        body = binascii.b2a_qp(said.replace("\n", "\r\n").encode())
        head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n'
        return cls(head.encode(), body)

    @classmethod
    def calendar(cls, method: str, entry: str, *, filename: str) -> "Part":
        """A calendar entry, as an attachment."""
        encoded = binascii.b2a_base64(entry.encode(), newline=False)
        lines = [encoded[start : start + _LINE] for start in range(0, len(encoded), _LINE)]
        return cls(
            f'Content-Type: text/calendar; method="{method}"; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n'
            f'Content-Disposition: attachment; filename="{filename}"\r\n'.encode(),
            b"\r\n".join([*lines, b""]),
        )


def join(kind: str, boundary: str, parts: list[Part]) -> Part:
    """`parts` as one. Of a `boundary` that begins with "=_" none can hold a line: neither of their encodings has it."""
    line = f"--{boundary}".encode()
    body = b"".join(b"%b\r\n%b\r\n%b\r\n" % (line, part.head, part.body) for part in parts)
    return Part(f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode(), body + line + b"--\r\n")


def mailbox(field: str, address: str, display: str = "") -> bytes:
    """The header `field` with one address and the name it is shown with. Raises ValueError for a line break."""
    if not display and _PLAIN_ADDRESS.fullmatch(address):
        return f"{field}: {address}\r\n".encode()
    return _mailbox(field, address, display)


def text(field: str, value: str) -> bytes:
    """The header `field` with text. Raises ValueError for a line break, which would begin another header."""
    words = value.split(" ") if _PLAIN_TEXT.fullmatch(value) else _encoded(value)
    lines, length = [f"{field}:"], len(field) + 1
    for word in words:
        if length + 1 + len(word) > _COLUMNS and length > len(field) + 1:
            lines.append("\r\n")
            length = 0
        lines += (" ", word)
        length += 1 + len(word)
    return "".join([*lines, "\r\n"]).encode()


def _encoded(value: str) -> list[str]:
    """`value` in another alphabet's words (RFC 2047), between which readers' programs see no space."""
    if "\r" in value or "\n" in value:
        raise ValueError("a header holds no line break")
    pieces, size = [""], 0
    for character in value:
        size += len(character.encode())
        if size > _WORD_BYTES:
            pieces.append("")
            size = len(character.encode())
        pieces[-1] += character
    return [f"=?utf-8?b?{binascii.b2a_base64(piece.encode(), newline=False).decode()}?=" for piece in pieces]


@lru_cache(maxsize=256)
def _mailbox(field: str, address: str, display: str) -> bytes:
    mail = EmailMessage()
    mail[field] = Address(display, addr_spec=address) if display else address
    return policy.SMTP.clone(utf8=not address.isascii()).fold_binary(field, mail[field])
