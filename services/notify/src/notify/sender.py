"""The worker that sends what is due, a few mails at the same time and not too many in a second."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

import structlog
from prometheus_client import Counter, Histogram

from chassis.clock import Clock
from chassis.database import Database
from chassis.problems import is_transient
from notify import usecases
from notify.delivery import CONNECTIONS, SEND_SECONDS, DeliveryError
from notify.mail import Composer
from notify.model import Message, Trouble
from notify.pace import Pace
from notify.sms import Sms
from notify.wire import Mail

log = structlog.get_logger(__name__)

MAILS = Counter("schalter_mails_total", "Tries to hand a mail over.", ("kind", "outcome"))
MAIL_SECONDS = Histogram(
    "schalter_mail_seconds",
    "Time from the message being queued to the mail server's acceptance, in seconds.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300, 3600),
)
_POLL_SECONDS: Final = 1.0
_OUTAGE_SECONDS: Final = 0.5
#: A mail that begins later could still be on the wire when its lease ends, and another sender takes it.
_LAST_START_SECONDS: Final = usecases.LEASE.total_seconds() - SEND_SECONDS - 5


class Delivery(Protocol):
    """Where mails are handed to."""

    async def send(self, mail: Mail) -> None:
        """Hand over, or raise DeliveryError."""
        ...


class Sender:
    """Sends due messages until cancelled."""

    def __init__(
        self, composer: Composer, delivery: Delivery, clock: Clock, *, sms: Sms | None = None, per_second: float = 10
    ) -> None:
        self._composer = composer
        self._delivery = delivery
        self._clock = clock
        self._sms = sms
        self._pace = Pace(per_second)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for due messages now."""
        self._woken.set()

    async def run(self, database: Database) -> None:
        """Send what is due; sleep until woken or for a second."""
        while True:
            self._woken.clear()
            due = await usecases.claim_due(database, self._clock())
            await self._send_all(database, due)
            if not due:
                try:
                    await asyncio.wait_for(self._woken.wait(), _POLL_SECONDS)
                except TimeoutError:
                    continue

    async def _send_all(self, database: Database, due: list[Message]) -> None:
        """Send what was claimed, a few at the same time. What could outlast its lease is given back unsent."""
        begun = asyncio.get_running_loop().time()
        waiting = iter(due)

        async def lane() -> None:
            for message in waiting:
                await self._pace.turn()
                if asyncio.get_running_loop().time() - begun > _LAST_START_SECONDS:
                    # Nothing may break a lane: the others have mails on the wire.
                    await _noted(partial(usecases.give_back, database, message, self._clock()))
                else:
                    await self._send(database, message)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(min(CONNECTIONS, len(due))):
                lanes.create_task(lane())

    async def _send(self, database: Database, message: Message) -> None:
        try:
            hand_over = self._prepared(message)
        except Exception as error:
            log.error("mail_not_composed", message_id=str(message.id), kind=message.kind, exc_info=error)
            MAILS.labels(message.kind, "not_composed").inc()
            await _noted(lambda: usecases.settle_trouble(database, message, Trouble.REFUSED, self._clock()))
            return
        try:
            await hand_over()
        except DeliveryError as error:
            trouble = error.trouble
            MAILS.labels(message.kind, error.trouble.value).inc()
            log.warning(
                "mail_not_taken",
                message_id=str(message.id),
                trouble=error.trouble,
                cause=error.cause,
                tries=message.tries,
            )
            await _noted(lambda: usecases.settle_trouble(database, message, trouble, self._clock()))
            return
        now = self._clock()
        await _noted(lambda: usecases.settle_delivered(database, message, now))
        MAILS.labels(message.kind, "delivered").inc()
        MAIL_SECONDS.observe(max(0.0, (now - message.created_at).total_seconds()))

    def _prepared(self, message: Message) -> Callable[[], Awaitable[None]]:
        """What hands `message` over, once it is written. Raises whatever keeps it from being written."""
        if message.channel == "sms":
            assert self._sms is not None, "queued only where there is a provider"
            return partial(self._sms.send, message, self._composer.short(message, self._clock()))
        return partial(self._delivery.send, self._composer.compose(message, self._clock()))


async def _noted(settle: Callable[[], Awaitable[None]]) -> None:
    """Note the outcome, however long the database is away: a mail whose hand-over is forgotten goes out twice."""
    while True:
        try:
            await settle()
            return
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("waiting_out_trouble", error=type(error).__name__)
            await asyncio.sleep(_OUTAGE_SECONDS)
