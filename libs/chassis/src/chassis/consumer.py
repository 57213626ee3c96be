"""Taking events from the bus: each has its effect once, a poisonous one steps aside, the rest flows on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any, Final, Generic, TypedDict, TypeVar
from uuid import UUID

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic import ValidationError

from chassis import metrics, traces
from chassis.bus import Bus, BusError
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.problems import is_transient
from chassis.pull import Pull
from chassis.steps import step
from contracts.base import Event, Meta
from contracts.topology import dead_letter_subject, durable, stream_of

log = structlog.get_logger(__name__)

E = TypeVar("E", bound=Event)
Handler = Callable[[Transaction, E, Meta], Awaitable[None]]

_OUTAGE_SECONDS: Final = 0.5
MAX_TRIES: Final = 5
_MAX_IN_FLIGHT: Final = 32
#: When a backlog comes, that many are applied in one transaction, unless there are few or they take too long together.
_TOGETHER: Final = 200
_TOGETHER_FROM: Final = 8
_TOGETHER_SECONDS: Final = 1.0
#: How many may be here: while one backlog is applied the next one comes.
_AHEAD: Final = 2 * _TOGETHER
_RETRY_DELAYS: Final = (0.5, 2.0, 5.0, 15.0)


class Poison(Exception):
    """This event can never be processed; it goes to the dead letters at once."""


class InboxRow(TypedDict):
    """The parameters of INBOX."""

    consumer: str
    event_id: UUID
    received_at: datetime


#: Whoever reads a row of it in the same statement has its effect once.
INBOX: Final = """
    INSERT INTO inbox (consumer, event_id, received_at)
    VALUES (:consumer, :event_id, :received_at) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Consumer(Generic[E]):
    """What a service does with one kind of event. The handler gets the transaction that its inbox row lies in.

    On a hot path `at_once` does the same, for one event, in a single statement that holds INBOX and is a transaction by
    itself: a round trip instead of four. It returns whether the event was new; None, with nothing done, leaves it to
    the handler.
    """

    event: type[E]
    handle: Handler[E]
    at_once: Callable[[Transaction, E, Meta, InboxRow], Awaitable[bool | None]] | None = None


async def process(database: Database, name: str, consumer: Consumer[E], event: E, meta: Meta, *, clock: Clock) -> bool:
    """Apply `event` unless consumer `name` has done so before; the effect and its inbox row commit together.

    Returns whether it had an effect. Raises what the handler raises, with nothing committed.
    """
    inbox = InboxRow(consumer=name, event_id=meta.id, received_at=clock())
    if consumer.at_once:
        async with database.autocommit() as tx:
            done = await consumer.at_once(tx, event, meta, inbox)
        if done is not None:
            return done
    async with database.transaction() as tx:
        fresh = await tx.begin_with(INBOX, **inbox)
        if fresh:
            await consumer.handle(tx, event, meta)
    return bool(fresh)


async def process_together(
    database: Database, name: str, consumer: Consumer[E], events: Sequence[tuple[E, Meta]], *, clock: Clock
) -> list[bool]:
    """As `process`, for all `events` in one transaction and in their order: all have their effect, or none has.

    Returns for each whether it had one. Raises what a handler raises, or TimeoutError.
    """
    effects: list[bool] = []
    async with asyncio.timeout(_TOGETHER_SECONDS), database.transaction() as tx:
        rows = await tx.rows(
            "INSERT INTO inbox (consumer, event_id, received_at)"
            " SELECT :consumer, event_id, :now FROM unnest(CAST(:ids AS uuid[])) AS event_id"
            " ON CONFLICT DO NOTHING RETURNING event_id",
            consumer=name,
            ids=[meta.id for _, meta in events],
            now=clock(),
        )
        fresh = {row["event_id"] for row in rows}
        for event, meta in events:
            effects.append(meta.id in fresh)
            if effects[-1]:
                fresh.discard(meta.id)
                with _carrying(meta), traces.span(f"handle {meta.type}", "consumer", consumer=name):
                    await consumer.handle(tx, event, meta)
                await tx.part()
    return effects


def _carrying(meta: Meta) -> AbstractContextManager[object]:
    """A block whose log lines and events carry on where `meta` comes from."""
    return traces.carrying(traces.carried_by(meta), event_id=str(meta.id))


class Consumption:
    """Runs one consumer of one service until cancelled."""

    def __init__(self, service: str, consumer: Consumer[Any], bus: Bus, database: Database, clock: Clock) -> None:
        self._service = service
        self._consumer = consumer
        self._name = durable(service, consumer.event)
        self._redelivered = metrics.REDELIVERED.labels(self._name)
        self._bus = bus
        self._database = database
        self._clock = clock
        self._places = asyncio.Semaphore(_MAX_IN_FLIGHT)
        self._pull = Pull(bus, stream_of(consumer.event.SUBJECT), self._name, ahead=_AHEAD)

    async def run(self) -> None:
        """Take each message as it comes, a few at the same time, so that a slow one does not hold up quick ones.

        Of a backlog as many as fit into one transaction, which is ten times quicker.
        """
        async with self._pull.open(), asyncio.TaskGroup() as group:
            while True:
                messages = await self._pull.take(_TOGETHER)
                self._redelivered.inc(sum((each.metadata.num_delivered or 1) > 1 for each in messages.values()))
                if len(messages) < _TOGETHER_FROM or not await self._take_together(messages):
                    for number, message in messages.items():
                        await self._places.acquire()
                        group.create_task(self._take(message, number))

    async def _take_together(self, messages: Mapping[int, Msg]) -> bool:
        """Apply all of them in one transaction. False when they have to be taken one by one, each with its own fate."""
        try:
            read = [
                (self._consumer.event.model_validate_json(each.data), Meta.from_headers(each.headers or {}))
                for each in messages.values()
            ]
            # By appointment, so that two of us never wait for each other's rows in a circle; each one's in their order.
            read.sort(key=lambda pair: pair[1].subject)
            with structlog.contextvars.bound_contextvars(consumer=self._name):
                started = perf_counter()
                effects = await process_together(self._database, self._name, self._consumer, read, clock=self._clock)
        except Exception as error:  # noqa: BLE001 - nothing was committed: who is to blame shows one by one
            log.info("one_by_one", consumer=self._name, messages=len(messages), error=type(error).__name__)
            return False
        for message in messages.values():
            with suppress(NatsError):  # then it is delivered again, and known
                await message.ack()
        await self._pull.release(messages)
        for (_, meta), fresh in zip(read, effects, strict=True):
            # Each has waited for all of them.
            self._note(meta, "done" if fresh else "duplicate", perf_counter() - started, together=len(read))
        return True

    def _note(self, meta: Meta, outcome: str, seconds: float, *, tries: int = 1, together: int | None = None) -> None:
        metrics.CONSUMED.labels(self._name, outcome).inc()
        step(
            "handled",
            correlation_id=meta.correlationid,
            trace_id=traces.trace_id(meta.traceparent),
            subject=meta.type,
            consumer=self._name,
            event_id=str(meta.id),
            outcome=outcome,
            tries=tries,
            ms=round(seconds * 1000, 1),
            together=together,
        )

    async def _take(self, message: Msg, number: int) -> None:
        try:
            with structlog.contextvars.bound_contextvars(consumer=self._name):
                await self._settle(message)
        except (TimeoutError, BusError, NatsError) as error:
            log.warning("settling_failed", consumer=self._name, error=type(error).__name__)  # it is delivered again
        finally:
            self._places.release()
            await self._pull.release((number,))

    async def _settle(self, message: Msg) -> None:
        try:
            meta = Meta.from_headers(message.headers or {})
            event = self._consumer.event.model_validate_json(message.data)
        except ValidationError as error:
            await self._bury(message, f"unreadable: {error.error_count()} errors")
            return
        started = perf_counter()
        with _carrying(meta):
            try:
                with traces.span(f"handle {meta.type}", "consumer", consumer=self._name):
                    fresh = await self._persist_through_outages(event, meta)
            except Poison as error:
                await self._bury(message, str(error))
            except Exception as error:  # noqa: BLE001 - whatever a handler raises, the message is retried, never lost
                await self._retry(message, error)
            else:
                await message.ack()
                tries = message.metadata.num_delivered or 1
                self._note(meta, "done" if fresh else "duplicate", perf_counter() - started, tries=tries)

    async def _persist_through_outages(self, event: Event, meta: Meta) -> bool:
        """Process; while the database is away, wait for it rather than use up the message's tries."""
        while True:
            try:
                return await process(self._database, self._name, self._consumer, event, meta, clock=self._clock)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("waiting_out_trouble", error=type(error).__name__)
                await asyncio.sleep(_OUTAGE_SECONDS)

    async def _retry(self, message: Msg, error: Exception) -> None:
        tries = message.metadata.num_delivered or 1
        if tries >= MAX_TRIES:
            await self._bury(message, f"{type(error).__name__} after {tries} tries", error)
            return
        log.warning("retrying", tries=tries, exc_info=error)
        metrics.CONSUMED.labels(self._name, "retried").inc()
        await message.nak(delay=_RETRY_DELAYS[min(tries, len(_RETRY_DELAYS)) - 1])

    async def _bury(self, message: Msg, reason: str, error: Exception | None = None) -> None:
        sequence = message.metadata.sequence.stream
        headers = {
            # Without the bus's own headers: those of an atomic batch would make it refuse the letter.
            **{name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")},
            # Whoever may have something stored there and guessed the id could have the letter dropped as a repetition.
            "Nats-Msg-Id": self._bus.unguessable(f"dlq-{self._name}-{sequence}"),
            "schalter-sequence": str(sequence),
            "schalter-reason": reason.replace("\n", " "),
            "schalter-consumer": self._name,
        }
        await self._bus.publish(dead_letter_subject(self._service, message.subject), message.data, headers)
        await message.term()
        metrics.CONSUMED.labels(self._name, "dead").inc()
        log.error("dead_letter", subject=message.subject, sequence=sequence, reason=reason, exc_info=error)
