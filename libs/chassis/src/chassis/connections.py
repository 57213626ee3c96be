"""The connections of one service to its database: few, kept open, and each for plain SQL and ORM sessions alike."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
import structlog
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.exc import EmulatedDBAPIException
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from chassis.metrics import DATABASE_ERRORS, DATABASE_WAIT_SECONDS
from chassis.problems import Busy
from chassis.traces import collected
from chassis.witness import Witness

if TYPE_CHECKING:
    from chassis.spans import Spans

#: How long a request waits for a connection before it is told to come again.
PATIENCE_SECONDS: Final = 2.0
#: Somebody who has waited for so long makes us ask whether the server answers at all, for which it has a second: with
#: the time between two looks less than the two seconds that people are promised. One timer looks for all, because one
#: for each statement costs a booking five percent.
_LONG_SECONDS: Final = 0.6
_LOOK_SECONDS: Final = 0.25
_OPENING_SECONDS: Final = 5.0
#: How long a statement stays prepared. PostgreSQL keeps its plan as long, and one that was made while a table was empty
#: reads all of it once it has grown. ANALYZE ends such a plan, but may come a minute and thousands of rows later.
_PREPARED_SECONDS: Final = 5

log = structlog.get_logger(__name__)

_SESSION: Final = {
    # A transaction in which nobody does anything for so long belongs to a connection that is dead, though nobody said
    # so. Its locks would keep who does the same again waiting.
    "idle_in_transaction_session_timeout": "20s",
    # Else PostgreSQL plans anew for every question about a large table: that takes longer than the answer (ADR 22).
    "plan_cache_mode": "force_generic_plan",
}

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One connection: `driver` is asyncpg's own, `adapted` the same one as SQLAlchemy sees it."""

    driver: Driver
    adapted: PoolProxiedConnection


class Connections:
    """A pool of at most `size` connections; the one used last is given out first, so that its plans stay warm.

    It asks no server whether a connection still lives: asyncpg hears of its end at once and marks it closed.
    """

    def __init__(self, url: str, size: int) -> None:
        # SQLAlchemy opens the connections, which teaches them to read JSON, and begins no transactions: we do.
        self._engine = create_async_engine(
            "postgresql+asyncpg://" + url.split("://", 1)[1],
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={
                "timeout": _OPENING_SECONDS,
                "command_timeout": 30,
                "max_cached_statement_lifetime": _PREPARED_SECONDS,
                "server_settings": _SESSION,
            },
        )
        self._spans = collected()
        if self._spans:
            _tell_of_sessions(self._engine.sync_engine, self._spans)
        self._places = asyncio.Semaphore(size)
        self._idle: list[Link] = []
        self._witness = Witness(url)
        #: Since when each connection is given out, and until when each that is being opened may take.
        self._out: dict[Link, float] = {}
        self._opening: dict[asyncio.Timeout, float] = {}
        self._hangs = False
        self.size = size
        #: How many are given out, or being opened, and how many transactions wait for one.
        self.used = self.waiting = 0

    @property
    def idle(self) -> int:
        """How many are open and not in use."""
        return len(self._idle)

    async def take(self, *, new: bool = False) -> Link:
        """A connection, to be given back; `new`: none that was used before.

        Raises Busy when none is free within two seconds or the server hangs, or what opening it raised.
        """
        await self._place()
        try:
            while self._idle and not new:
                link = self._idle.pop()
                if not link.driver.is_closed():
                    break
                _end(link)
            else:
                link = await self._open()
        except BaseException:
            self._free_place()
            raise
        self._out[link] = monotonic()
        return link

    async def _open(self) -> Link:
        if self._hangs:
            DATABASE_ERRORS.labels("timeout").inc()
            raise Busy
        try:
            async with asyncio.timeout(_OPENING_SECONDS) as patience:
                self._opening[patience] = monotonic()
                try:
                    adapted = await self._engine.raw_connection()
                finally:
                    self._opening.pop(patience, None)
        except EmulatedDBAPIException as error:
            # A server that is starting up again must be known as such: it will pass.
            raise (error.__cause__ or error) from None
        driver = adapted.driver_connection
        assert isinstance(driver, asyncpg.Connection), "the engine's driver"
        if spans := self._spans:
            driver.add_query_logger(lambda asked: spans.statement(asked.query, asked.elapsed, asked.exception))
        return Link(driver, adapted)

    async def _place(self) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once; a timeout would cost more than the statement's own way
        else:
            await self._wait_for_place()
        self.used += 1

    async def _wait_for_place(self) -> None:
        self.waiting += 1
        try:
            with DATABASE_WAIT_SECONDS.time():
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._places.acquire()
        except TimeoutError:
            DATABASE_ERRORS.labels("busy").inc()
            raise Busy from None
        finally:
            self.waiting -= 1

    def _free_place(self) -> None:
        self.used -= 1
        self._places.release()

    def give_back(self, link: Link, *, keep: bool) -> None:
        """Take `link` back; without `keep`, because nobody knows what state it is in, end it."""
        del self._out[link]
        if keep and not link.driver.is_closed() and not link.driver.is_in_transaction():
            self._idle.append(link)
        else:
            _end(link)
        self._free_place()

    async def watch(self) -> None:
        """Until cancelled: when the server hangs, break what waits for it, and let nobody wait until it answers again.

        A connection stays open while a machine or a process stands still, and its statement would wait for half a
        minute. One that only takes long, or waits for a lock, is left alone: the server answers another question.
        """
        try:
            while True:
                self._witness.stand_by()
                await asyncio.sleep(_LOOK_SECONDS)
                now = monotonic()
                oldest = min([now, *self._out.values(), *self._opening.values()])
                if self._hangs or now - oldest >= _LONG_SECONDS:
                    await self._ask(now)
                    if not self._hangs:
                        await asyncio.sleep(_LONG_SECONDS)  # what only takes long is not asked about all the time
        finally:
            self._witness.close()

    async def _ask(self, now: float) -> None:
        """Have it said whether the server hangs; where nobody knows, it stays as it was."""
        hung, answers = self._hangs, await self._witness.answers()
        if answers is not None:
            self._hangs = not answers
        if self._hangs:
            self._break(before=now)
        if self._hangs != hung:
            log.warning("database_hangs" if self._hangs else "database_answers_again")

    def _break(self, *, before: float) -> None:
        """End what has waited since `before`, and what would be given out next."""
        for link, since in self._out.items():
            if since <= before:
                link.driver.terminate()
        loop = asyncio.get_running_loop()
        for patience in [patience for patience, since in self._opening.items() if since <= before]:
            del self._opening[patience]  # it takes its time to end, and may be told only once
            with suppress(RuntimeError):  # it has just run out by itself
                patience.reschedule(loop.time())
        while self._idle:
            _end(self._idle.pop())

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await greenlet_spawn(self._idle.pop().adapted.close)

    def for_orm(self, link: Link) -> Connection:
        """`link` as a session's connection. Its commit and rollback do nothing: the transaction is not its own."""
        return Connection(self._engine.sync_engine, connection=link.adapted)


def _end(link: Link) -> None:
    link.driver.terminate()
    if link.adapted.is_valid:  # else a session has seen its end
        link.adapted.invalidate()


def _tell_of_sessions(engine: Engine, spans: "Spans") -> None:
    """A span for every statement of an ORM session: the driver tells of plain SQL alone."""

    def begun(_: Connection, __: object, ___: str, ____: object, context: ExecutionContext, _____: bool) -> None:
        context.schalter_begun = monotonic()  # type: ignore[attr-defined] # for `done`

    def done(_: Connection, __: object, sql: str, ____: object, context: ExecutionContext, _____: bool) -> None:
        spans.statement(sql, monotonic() - context.schalter_begun)  # type: ignore[attr-defined]

    event.listen(engine, "before_cursor_execute", begun)
    event.listen(engine, "after_cursor_execute", done)
