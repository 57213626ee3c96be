"""JSON lines with correlation and trace ids, and without personal data or secrets."""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_PARTS: Final = (
    "token",
    "password",
    "secret",
    "authorization",
    "cookie",
    "email",
    "private_key",
    "ticket",
    "sdp",
)
REDACTED: Final = "[redacted]"


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank every field whose name says that its value is a secret or personal."""
    for key in event:
        if any(part in key.lower() for part in _SECRET_PARTS):
            event[key] = REDACTED
    return event


def configure(service: str, level: str = "info") -> None:
    """Send structlog and the standard library's logging to stdout as one JSON object per line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
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
    for name in ("nats", "httpx", "aiortc", "aioice", "alembic", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
