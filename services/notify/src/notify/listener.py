"""The door for mails that come back: an SMTP server that takes reports on our own mails and nothing else."""

import asyncio
from typing import Final
from uuid import UUID

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from prometheus_client import Counter

from chassis.clock import Clock
from chassis.database import Database
from chassis.metrics import at_zero
from chassis.problems import is_transient
from notify import reports, usecases
from notify.reports import Outcome
from notify.returning import ReturnAddresses
from notify.settings import Settings

log = structlog.get_logger(__name__)

REPORTS = Counter("schalter_mail_reports_total", "Mails that came back, by what they said.", ("outcome",))
at_zero(REPORTS, (*Outcome, "stranger", "too_many"))

#: A report may quote the mail that it is about; ours have no pictures. No more than its beginning is read.
_LARGEST_BYTES: Final = 512 * 1024
_PATIENCE_SECONDS: Final = 30
#: The longest that a connection may last, however busy it is, and how many there may be.
_SESSION_SECONDS: Final = 120
_SESSIONS: Final = 20
#: How many reports on one mail are taken: servers say that it is late, some of them several times, and then the end.
REPORTS_PER_MAIL: Final = 20
_MAILS_REMEMBERED: Final = 10_000


class Returned:
    """What aiosmtpd asks, by its names: takes reports to addresses of ours, and notes what they say."""

    def __init__(self, addresses: ReturnAddresses, database: Database, clock: Clock) -> None:
        self._addresses = addresses
        self._database = database
        self._clock = clock
        self._taken: dict[UUID, int] = {}
        self._one_at_a_time = asyncio.Lock()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take one address, of a mail that was sent here and not long ago. Tells a stranger nothing."""
        if envelope.rcpt_tos:
            return "452 4.5.3 One at a time"
        message_id = self._addresses.read(address, self._clock())
        if message_id is None:
            REPORTS.labels("stranger").inc()
            return "550 5.1.1 No such address"
        if self._taken.get(message_id, 0) >= REPORTS_PER_MAIL:
            REPORTS.labels("too_many").inc()
            return "550 5.7.1 Enough was said about this mail"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Note a failure; everything else is taken and forgotten. While the database is away it is to come again."""
        message_id = self._addresses.read(envelope.rcpt_tos[0], self._clock())
        try:
            async with self._one_at_a_time:
                outcome, trouble = await asyncio.to_thread(reports.read, envelope.original_content or b"")
            if message_id is not None and outcome is Outcome.FAILED and trouble is not None:
                await usecases.settle_return(self._database, message_id, trouble, self._clock())
        except Exception as error:
            log.warning("report_not_noted", exc_info=None if is_transient(error) else error)
            return "451 4.3.0 Try again later"
        if message_id is not None:
            self._remember(message_id)
        REPORTS.labels(outcome.value).inc()
        log.info("mail_came_back", message_id=str(message_id), outcome=outcome.value, trouble=trouble)
        return "250 2.0.0 OK"

    def _remember(self, message_id: UUID) -> None:
        self._taken[message_id] = self._taken.pop(message_id, 0) + 1
        if len(self._taken) > _MAILS_REMEMBERED:
            del self._taken[next(iter(self._taken))]


class _Connection(SMTP):
    """One connection: it ends after some time, whatever is said in it, and at once if there are too many."""

    open_now = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to count."""
        type(self).open_now += 1
        if self.open_now > _SESSIONS and isinstance(transport, asyncio.Transport):
            transport.abort()
        super().connection_made(transport)
        self._end = asyncio.get_running_loop().call_later(_SESSION_SECONDS, transport.close)

    def connection_lost(self, error: Exception | None) -> None:
        """Make room."""
        type(self).open_now -= 1
        self._end.cancel()
        super().connection_lost(error)


async def listen(
    addresses: ReturnAddresses, database: Database, clock: Clock, *, host: str, port: int
) -> asyncio.Server:
    """A server that takes what comes back."""
    handler = Returned(addresses, database, clock)

    def connect() -> SMTP:
        return _Connection(
            handler,
            data_size_limit=_LARGEST_BYTES,
            enable_SMTPUTF8=True,
            hostname=addresses.domain,
            ident="Schalter",
            timeout=_PATIENCE_SECONDS,
        )

    return await asyncio.get_running_loop().create_server(connect, host, port)


async def run(settings: Settings, addresses: ReturnAddresses, database: Database, clock: Clock) -> None:
    """Listen until cancelled."""
    assert settings.bounce_port is not None, "with the domain, as the settings see to"
    server = await listen(addresses, database, clock, host=settings.bounce_host, port=settings.bounce_port)
    async with server:
        await server.serve_forever()
