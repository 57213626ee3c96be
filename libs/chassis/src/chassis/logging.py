"""JSON lines with correlation and trace ids, and without personal data or secrets."""

import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Final

import structlog
from prometheus_client import Counter
from pydantic import BaseModel
from structlog.typing import EventDict, Processor, WrappedLogger

from chassis import steps

_SECRET_PARTS: Final = (
    "token",
    "password",
    "secret",
    "authorization",
    "cookie",
    "email",
    "phone",
    "private_key",
    "ticket",
    "sdp",
    "recipient",
    "citizen",
    "contact",
)
#: A field with a person's name. What else has a name (a host, a file) is logged under a word of its own.
_NAMES: Final = re.compile(r"(?:(?:sur|fore|nick|first|last|given|family|full|birth|maiden|display)[_-]?)?names?")
REDACTED: Final = "[redacted]"
#: What gives itself away whatever its field is called: an address, as typed or encoded in a link or a return path, a
#: signed token, a telephone number with its country.
_TELLING: Final = re.compile(
    r"""(?:"[^"\n]{1,64}"|[\w.+%'!\#&*/=?^~-]{1,64})
        (?:(?:@|%40)(?:[\w-]{1,63}(?:\.[\w-]{1,63})*|\[[\w.:]{2,60}\])|=40[\w-]{1,63}(?:\.[\w-]{1,63})*\.[^\W\d]{2,63})
      |\beyJ[\w-]+\.[\w-]+\.[\w-]*
      |(?<!\w)\+[1-9][0-9][0-9 ()/.-]{5,20}[0-9]""",
    re.VERBOSE,
)
#: Without one of these nothing of that kind is in a text; looking closer takes fifty times as long.
_MARKS: Final = ("@", "%40", "=40", "eyJ", "+")
_QUOTING: Final = ("DETAIL:", "input_value=", "invalid input ")
#: What libraries quote in their errors, which nobody here could leave out: PostgreSQL the row, asyncpg the parameter,
#: Pydantic what it was given.
_QUOTED: Final = re.compile(
    r"""(?<=DETAIL:).*?(?=\n[\s|]*(?:HINT:|CONTEXT:|\[SQL|During\ handling|The\ above|Traceback)|\Z)
      |(?<=input_value=)[^\n]*
      |(?<=invalid\ input\ )(?:syntax\ )?for\ [^:\n]{1,80}:[^\n]*""",
    re.VERBOSE | re.DOTALL,
)
LEAKS: Final = Counter(
    "schalter_log_lines_redacted_total", "Log lines out of which something personal was taken: each is a mistake."
)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank what is a secret or personal: by a field's name, by what a text looks like, and every dumped object.

    It is the last resort, and counts what it had to do: whoever logs says ids, kinds and numbers. What libraries quote
    in their errors goes uncounted.
    """
    said = {key: _unquoted(value) if isinstance(value, str) else value for key, value in event.items()}
    plain = _fields(said)
    if plain != said:
        LEAKS.inc()
    return plain


def _fields(held: Mapping[str, object]) -> dict[str, object]:
    return {str(_plain(key)): REDACTED if _hides(key, value) else _plain(value) for key, value in held.items()}


def _hides(field: object, value: object) -> bool:
    """Whether `field` says that `value` is nobody's news. Numbers tell how many or when, ids what it is about."""
    if value is None or isinstance(value, int | float):
        return False
    called = str(field).lower()
    if called.endswith(("_id", "_ids")):
        return False
    return any(part in called for part in _SECRET_PARTS) or _NAMES.fullmatch(called) is not None


def _unquoted(text: str) -> str:
    return _QUOTED.sub(REDACTED, text) if any(mark in text for mark in _QUOTING) else text


def _plain(value: object) -> object:
    """`value` without what tells of a person. Of an object that holds fields nothing remains."""
    match value:
        case None | int() | float():
            return value
        case str():
            said = _unquoted(value)
            return _TELLING.sub(REDACTED, said) if any(mark in said for mark in _MARKS) else said
        case dict():
            return _fields(value)
        case list() | tuple():
            return type(value)(_plain(inner) for inner in value)
        case BaseModel():
            return REDACTED
    if is_dataclass(value):
        return REDACTED
    told = repr(value)  # what the line would hold
    return value if _plain(told) == told else REDACTED


def _short(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The trace's id says it all; the rest of the context is for who carries it on."""
    event.pop("traceparent", None)
    return event


def configure(service: str, level: str = "info") -> None:
    """Send structlog, the standard library's logging and `steps` to stdout as one JSON object per line."""
    steps.configure(service, sys.stdout, on=level in ("debug", "info"))
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _short,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )

    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                add_service,
                structlog.processors.format_exc_info,
                redact,  # last: what an error says of the row that it is about is in the line by now
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "fastapi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = (
            name != "uvicorn.access"
        )  # its lines hold paths with queries; metrics and traces replace them
    # These report every reconnect attempt and every request; the bus and the clients log what matters.
    # uvicorn.error tells three lines with the client's address per WebSocket, which is personal data.
    # mail.log is aiosmtpd's: it tells every command, with sender and recipient.
    for name in ("nats", "httpx", "aiortc", "aioice", "alembic", "uvicorn.error", "mail.log"):
        logging.getLogger(name).setLevel(logging.WARNING)
