"""What a mail that came back says: delivery status notifications (RFC 3464), and nothing else.

Only what is looked for is parsed, one level deep: whatever else a stranger packs into a mail costs nothing here.
"""

import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser
from enum import StrEnum
from itertools import islice
from typing import Final

from notify.model import Trouble

#: What is read of a mail. The report stands before the mail that it is about, which may be long.
READ_BYTES: Final = 64 * 1024
_HEAD_BYTES: Final = 16 * 1024
#: A report has three parts (RFC 6522), and one block per recipient; ours have one, and a relay may make more of it.
_PARTS: Final = 8
_BLOCKS: Final = 32

_EMPTY_LINE: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_HEADERS: Final = BytesHeaderParser(policy=policy.compat32)


class Outcome(StrEnum):
    """What a returned mail tells of ours."""

    FAILED = "failed"
    #: Still under way, or handed on to where nobody reports (RFC 3464, 2.3.3): it may arrive.
    UNDER_WAY = "under_way"
    #: An answer out of office, or whatever else somebody sends: no report.
    NO_REPORT = "no_report"


def read(content: bytes) -> tuple[Outcome, Trouble | None]:
    """What `content` says, and for a failure why. Never raises, and takes no time: whoever wrote it is a stranger."""
    try:
        actions = list(_actions(content[:READ_BYTES]))
    except Exception:  # noqa: BLE001 - the parser has no list of what it raises
        return Outcome.NO_REPORT, None
    for action, status in actions:
        if action == "failed":
            return Outcome.FAILED, _trouble(status)
    return (Outcome.UNDER_WAY if actions else Outcome.NO_REPORT), None


def _actions(content: bytes) -> Iterator[tuple[str, str]]:
    """Action and status per recipient, out of the first delivery status."""
    mail, body = _split(content)
    if mail.get_content_type() != "multipart/report":
        return
    if str(mail.get_param("report-type", "")).lower() != "delivery-status":
        return
    status = next((said for part, said in _parts(mail, body) if part == "message/delivery-status"), b"")
    for block in _EMPTY_LINE.split(status, _BLOCKS)[:_BLOCKS]:
        told = _HEADERS.parsebytes(block.lstrip(b"\r\n"))
        if told["Action"]:
            yield str(told["Action"]).split("(")[0].strip().lower(), str(told["Status"] or "").strip()


def _parts(mail: Message, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Type and content of the parts of `mail`, unparsed."""
    boundary = mail.get_boundary()
    if not boundary:
        return
    line = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?=\r?\n|$)")
    for part in islice(line.split(body, _PARTS + 1), 1, _PARTS + 1):
        head, said = _split(re.sub(rb"\A\r?\n", b"", part))
        yield head.get_content_type(), said


def _split(content: bytes) -> tuple[Message, bytes]:
    """The headers of `content`, and what follows them."""
    end = _EMPTY_LINE.search(content)
    head, body = (content, b"") if end is None else (content[: end.start()], content[end.end() :])
    return _HEADERS.parsebytes(head[:_HEAD_BYTES]), body


def _trouble(status: str) -> Trouble:
    """A status (RFC 3463) in our words: no such address, given up after a long time, or not wanted."""
    if status.startswith("5.1."):
        return Trouble.INVALID_ADDRESS
    return Trouble.UNREACHABLE if status.startswith("4.") else Trouble.REFUSED
