"""The worker that sends what is due, a few mails at the same time and not too many in a second."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Final, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog

from chassis import traces
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.problems import is_transient
from chassis.steps import step
from notify import metrics, usecases
from notify.claims import Owner
from notify.delivery import CONNECTIONS, SEND_SECONDS, DeliveryError
from notify.mail import Composer
from notify.mime import Mail
from notify.model import Claim, Message, Trouble
from notify.rate_limit import Pace
from notify.sms import Sms

log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 1.0
_OUTAGE_SECONDS: Final = 0.5
#: A mail that begins later could still be on the wire when its lease ends, and another sender takes it.
_LAST_START_SECONDS: Final = usecases.LEASE.total_seconds() - SEND_SECONDS - 5


class Delivery(Protocol):
    """Where mails are handed to."""

    async def send(self, mail: Mail) -> None:
        """Hand over, or raise DeliveryError."""
        ...


class _Item:
    """A claimed message, and what hands it over, made when it is first asked for: nobody waits for it then."""

    def __init__(self, message: Message, prepare: Callable[[Message], Callable[[], Awaitable[None]]]) -> None:
        self.message = message
        self.begun = asyncio.get_running_loop().time()
        self._prepare = prepare
        self._prepared: Callable[[], Awaitable[None]] | Exception | None = None

    def prepare(self) -> None:
        """Write the mail now."""
        if self._prepared is None:
            try:
                self._prepared = self._prepare(self.message)
            except Exception as error:  # noqa: BLE001 - raised when it is handed over
                self._prepared = error

    @property
    def hand_over(self) -> Callable[[], Awaitable[None]]:
        """What hands it over. Raises whatever kept it from being written."""
        self.prepare()
        if isinstance(self._prepared, Exception):
            raise self._prepared
        assert self._prepared is not None
        return self._prepared


class Sender:
    """Sends due messages until cancelled, and those that it is handed, under its own claim, the moment they commit."""

    def __init__(
        self, composer: Composer, delivery: Delivery, clock: Clock, *, sms: Sms | None = None, per_second: float = 10
    ) -> None:
        self._composer = composer
        self._delivery = delivery
        self._clock = clock
        self._sms = sms
        self._owner = Owner()
        self._pace = Pace(per_second, lambda: self._owner.alive)
        self._woken = asyncio.Event()
        self._waiting: deque[_Item] = deque()
        self._to_do, self._room = asyncio.Event(), asyncio.Event()
        self._in_hand: set[UUID] = set()
        self._offered: WeakKeyDictionary[Transaction, int] = WeakKeyDictionary()

    def wake(self) -> None:
        """Look for due messages now."""
        self._woken.set()

    def offer(self, tx: Transaction, now: datetime) -> Claim | None:
        """A claim for one message that `tx` queues, if a lane is free for it: then nobody need look for it."""
        taken = len(self._in_hand) + sum(self._offered.values())  # of transactions that are under way
        if taken >= CONNECTIONS or not self._owner.held or not self._pace.free:
            return None
        self._offered[tx] = self._offered.get(tx, 0) + 1
        return Claim(self._owner.id, now + usecases.LEASE)

    def promise(self, tx: Transaction, message: Message) -> Callable[[], None]:
        """Send `message`, which is under a claim that was offered, once `tx` has committed, and not before.

        It is written meanwhile, while the database is busy. Returns what takes the promise back until then.
        """
        promised = [item := _Item(replace(message, carried=traces.carried()), self._prepared)]
        asyncio.get_running_loop().call_soon(item.prepare)

        def keep() -> None:
            for each in promised:
                self._accept(each)

        tx.after_commit(keep)
        return promised.clear

    def _accept(self, item: _Item) -> None:
        self._in_hand.add(item.message.id)
        self._waiting.append(item)
        self._to_do.set()

    async def run(self, database: Database) -> None:
        """Send what is due; sleep until woken or for a second."""
        async with self._owner.living(database, self._in_hand, self._clock, self.wake), asyncio.TaskGroup() as lanes:
            for _ in range(CONNECTIONS):
                lanes.create_task(self._lane(database))
            while True:
                self._woken.clear()
                if await self._claim(database) < usecases.BATCH:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), _POLL_SECONDS)
                while len(self._waiting) >= CONNECTIONS:
                    self._room.clear()
                    await self._room.wait()

    async def _claim(self, database: Database) -> int:
        """Claim what is due. Nothing that goes wrong here may break a lane: they have mails on the wire."""
        if not self._owner.held:
            return 0
        try:
            due = await usecases.claim_due(database, self._clock(), by=self._owner.id)
        except Exception as error:
            log.warning("nothing_claimed", exc_info=None if is_transient(error) else error, error=type(error).__name__)
            await asyncio.sleep(_OUTAGE_SECONDS)
            return 0
        for message in due:
            self._accept(_Item(message, self._prepared))
        return len(due)

    async def _lane(self, database: Database) -> None:
        """Send one after the other. What could outlast its lease is given back unsent."""
        while True:
            while not self._waiting:
                self._to_do.clear()
                await self._to_do.wait()
            item = self._waiting.popleft()
            self._room.set()
            try:
                await self._pace.turn()
                if asyncio.get_running_loop().time() - item.begun > _LAST_START_SECONDS:
                    await _noted(partial(usecases.give_back, database, item.message, self._clock()))
                else:
                    await self._send(database, item)
            except Exception as error:
                log.error("outcome_not_noted", message_id=str(item.message.id), exc_info=error)
            finally:
                self._in_hand.discard(item.message.id)

    async def _send(self, database: Database, item: _Item) -> None:
        """Send one, under the ids of what it was queued for."""
        message, kept = item.message, item.message.carried or {}
        with traces.carrying(kept, message_id=str(message.id)):
            began = perf_counter()
            with traces.span(f"send {message.kind}", "client", begins=not kept, channel=message.channel) as span:
                outcome, trouble = await self._handed_over(item)
                span.tell(outcome=outcome, tries=message.tries, failed=trouble is not None)
            step(
                "mail",
                correlation_id=kept.get("correlation_id"),
                trace_id=traces.trace_id(kept.get("traceparent")),
                kind=message.kind,
                channel=message.channel,
                message_id=str(message.id),
                about=str(message.appointment_id),
                cause_id=str(message.cause),
                outcome=outcome,
                tries=message.tries,
                ms=round((perf_counter() - began) * 1000, 1),
            )
            now = self._clock()
            if trouble:
                metrics.tried(message, outcome)
                await _noted(lambda: usecases.settle_trouble(database, message, trouble, self._clock()))
            else:
                await _noted(lambda: usecases.settle_delivered(database, message, now))
                metrics.delivered(message, now)

    @staticmethod
    async def _handed_over(item: _Item) -> tuple[str, Trouble | None]:
        """What became of a try to hand it over, for figures and lines, and what hindered it."""
        message = item.message
        try:
            hand_over = item.hand_over
        except Exception as error:
            log.error("mail_not_composed", kind=message.kind, exc_info=error)
            return "not_composed", Trouble.REFUSED
        try:
            await hand_over()
        except DeliveryError as error:
            log.warning("mail_not_taken", trouble=error.trouble, error=error.cause, tries=message.tries)
            return error.trouble.value, error.trouble
        return "delivered", None

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
