"""One PostgreSQL database per service, and the transaction that a use case runs in.

Plain SQL goes to asyncpg directly, as prepared statements: through SQLAlchemy a statement costs five times the CPU (see
docs/adr/0010). An ORM session exists once somebody asks for it, on the same connection and in the same transaction.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter
from sqlalchemy import Connection
from sqlalchemy.util import await_only
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from chassis.clock import Clock, utc_now
from chassis.connections import Connections, Driver, Link
from chassis.metrics import DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_LIMIT, DATABASE_ERRORS, DATABASE_WAITING
from chassis.outbox import INSERT, OutboxRow, row_of
from chassis.problems import trouble
from contracts.base import Event, Meta

Wake = Callable[[], None]
#: Tells the relay that there is something in the outbox: this row, or whatever it finds.
Hand = Callable[[OutboxRow | None], None]
#: Hears of every event that this process has put into the outbox and committed: for figures.
Count = Callable[[Event], None]
#: A row of a result, by column.
Row = dict[str, Any]

#: `:name`, but neither the cast `::type` nor a colon within a word such as 08:00.
_PARAMETER: Final = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
#: What a connection raises whose server is gone.
_LOST: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
#: What takes a server no time. Without an answer by then the connection is dead, though nobody said so.
_AT_ONCE_SECONDS: Final = 3.0


@lru_cache(maxsize=2048)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """`sql` with `$1` for the first `:name` and so on, and the names in that order."""
    names: dict[str, int] = {}
    statement = _PARAMETER.sub(lambda found: f"${names.setdefault(found[1], len(names) + 1)}", sql)
    return statement, tuple(names)


class Transaction:
    """One transaction. It commits when its block ends and rolls back when the block raises; nobody calls commit.

    It takes a connection when its first statement comes. Errors of plain SQL are asyncpg's, those of the session
    SQLAlchemy's.
    """

    def __init__(
        self, connections: Connections, clock: Clock, hand: Hand, count: Count | None, *, begin: bool = True
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._hand = hand
        self._count = count
        #: Events whose rows are made, and not known to be in the outbox.
        self._drafts: dict[UUID, Event] = {}
        #: Of how many rows for the outbox nobody has said that they are there.
        self._unsure = 0
        self._begin = begin
        self._link: Link | None = None
        self._session: AsyncSession | None = None
        self._bound: Connection | None = None
        self._after_commit: dict[Wake, None] = {}

    async def rows(self, sql: str, **parameters: object) -> list[Row]:
        """All rows of `sql`, whose parameters are named `:like_this`."""
        statement, names = numbered(sql)
        records = await (await self._ready()).fetch(statement, *[parameters[name] for name in names])
        return [dict(record.items()) for record in records]

    async def row(self, sql: str, **parameters: object) -> Row | None:
        """The first row of `sql`, or None."""
        statement, names = numbered(sql)
        record = await (await self._ready()).fetchrow(statement, *[parameters[name] for name in names])
        return None if record is None else dict(record.items())

    async def execute(self, sql: str, **parameters: object) -> int:
        """Run `sql`; the number of rows it touched."""
        statement, names = numbered(sql)
        status = await (await self._ready()).execute(statement, *[parameters[name] for name in names])
        return _count(status)

    async def begin_with(self, sql: str, **parameters: str | UUID | datetime) -> int:
        """Run `sql` as the first statement, over the round trip that begins the transaction; the rows it touched."""
        assert self._begin, "a transaction"
        assert self._link is None, "has begun already"
        # Two statements at once go without parameters of their own; these few types are written into the text.
        statement = _PARAMETER.sub(lambda found: _literal(parameters[found[1]]), sql)
        self._link = await self._connections.take()
        return _count(await self._start(self._link, f"BEGIN; {statement}"))

    @property
    def session(self) -> AsyncSession:
        """An ORM session within this transaction, made when first asked for."""
        if self._session is None:
            assert self._begin, "a session needs a transaction"
            self._session = AsyncSession(
                sync_session_class=_SessionWithin, expire_on_commit=False, info={_SessionWithin.KEY: self}
            )
        return self._session

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A block whose failure undoes the block alone; what it raised goes on."""
        await self.execute("SAVEPOINT block")
        before = dict(self._after_commit)
        try:
            yield
        except BaseException:
            self._after_commit = before  # what was inserted since is not there
            await self.execute("ROLLBACK TO SAVEPOINT block")
            raise
        await self.execute("RELEASE SAVEPOINT block")

    async def part(self) -> None:
        """Begin another part of the same transaction: the session writes what is pending, forgets what it has read."""
        if self._session is not None:
            await self._session.flush()
            self._session.expunge_all()

    async def publish(self, event: Event, *, actor: str | None = None) -> Meta:
        """Put `event` into the outbox: it reaches the bus if, and only if, this transaction commits."""
        row, meta = self.outbox_row(event, actor=actor)
        await self.execute(INSERT, **row)
        self.inserted(row)
        return meta

    def outbox_row(self, event: Event, *, actor: str | None = None) -> tuple[OutboxRow, Meta]:
        """The outbox row for `event`, for a hot path that inserts it within a statement of its own.

        The columns are those of `chassis.outbox.INSERT`. The relay is woken at commit, and looks whether it is there;
        say so with `inserted` once you know that it is.
        """
        context = structlog.contextvars.get_contextvars()
        meta = Meta.of(
            event,
            now=self._clock(),
            actor=actor,
            correlationid=context.get("correlation_id"),
            traceparent=context.get("traceparent"),
        )
        self._unsure += 1
        self._drafts[meta.id] = event
        return row_of(event, meta), meta

    def inserted(self, row: OutboxRow) -> None:
        """`row`, from `outbox_row`, is in the outbox if this transaction commits: the relay need not look for it."""
        self._unsure -= 1
        self.after_commit(partial(self._hand, row))
        if self._count:
            self.after_commit(partial(self._count, self._drafts.pop(row["event_id"])))

    def after_commit(self, wake: Wake) -> None:
        """Call `wake` once this transaction has committed: for waking a worker, whose poll makes up for a lost call."""
        self._after_commit[wake] = None

    def count(self, counter: Counter, amount: float = 1) -> None:
        """Raise `counter` by `amount` once this transaction has committed."""
        self.after_commit(partial(counter.inc, amount))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        as_new = False
        try:
            if error is None:
                await self._commit()
                as_new = True
        except BaseException as failed:
            as_new = await self._rollback(failed)
            _note(failed)
            raise
        else:
            if error is not None:
                as_new = await self._rollback(error)
                _note(error)
        finally:
            if self._link is not None:
                self._connections.give_back(self._link, keep=as_new)
        if error is None:
            if self._unsure:
                self._hand(None)
            for wake in self._after_commit:
                wake()

    async def _ready(self) -> Driver:
        """The connection, inside the transaction, with everything written that the session has pending."""
        if self._session is not None:
            await self._session.flush()
            await self._session.connection()  # begins the savepoint that the session may be in
        return (self._link or await self._connect()).driver

    async def _connect(self) -> Link:
        self._link = await self._connections.take()
        if self._begin:
            await self._start(self._link, "BEGIN")
        return self._link

    async def _start(self, link: Link, sql: str) -> str:
        """Run what begins the transaction, over `link`, or a new connection if that one is lost; its status."""
        # A bare BEGIN takes a server no time; what comes with it may wait for others.
        patience = _AT_ONCE_SECONDS if sql == "BEGIN" else None
        try:
            return await link.driver.execute(sql, timeout=patience)
        except _LOST:  # the server ended it a moment ago, or the way there is dead; nothing has happened yet
            self._connections.give_back(link, keep=False)
            self._link = None
            self._link = await self._connections.take(new=True)
            return await self._link.driver.execute(sql)

    async def bind(self) -> Connection:
        """For the session: this transaction's connection as SQLAlchemy sees it."""
        if self._bound is None:
            self._bound = self._connections.for_orm(self._link or await self._connect())
        return self._bound

    async def _commit(self) -> None:
        if self._session is not None:
            await self._session.commit()  # writes what is pending; what really commits is below
            await self._session.close()
        if self._link is not None and self._begin and await self._link.driver.execute("COMMIT") != "COMMIT":
            # PostgreSQL answers ROLLBACK, not an error: somebody went on after a statement had failed.
            raise asyncpg.InFailedSQLTransactionError("a statement failed, so nothing was committed")

    async def _rollback(self, error: BaseException) -> bool:
        """Undo everything. Returns whether the connection is as good as new."""
        if self._session is not None:
            with suppress(Exception):  # it has nothing to undo by itself; what brought us here matters more
                await self._session.close()
        if self._link is None or not self._begin:
            return not isinstance(error, OSError | asyncio.CancelledError)  # TimeoutError is an OSError
        try:
            await self._link.driver.execute("ROLLBACK", timeout=_AT_ONCE_SECONDS)
        except _LOST:
            return False
        return True


def _note(error: BaseException) -> None:
    if kind := trouble(error):
        DATABASE_ERRORS.labels(kind).inc()


def _literal(value: str | UUID | datetime) -> str:
    """`value` as SQL text (PostgreSQL 4.1.2.1; standard_conforming_strings is on)."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"


def _count(status: str) -> int:
    """The number of rows in what PostgreSQL says of a statement: "INSERT 0 1", "UPDATE 3", "TRUNCATE TABLE"."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


class _SessionWithin(Session):
    """A session on the connection of the transaction that made it. SQLAlchemy asks `get_bind` which one that is."""

    KEY: Final = "schalter_transaction"

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        transaction: Transaction = self.info[self.KEY]
        return await_only(transaction.bind())


class Database:
    """The database of one service."""

    def __init__(self, url: str, *, pool_size: int = 10, clock: Clock = utc_now) -> None:
        self.url = url
        self._clock = clock
        self._hand: Hand = lambda row: None
        self._count: Count | None = None
        self._connections = Connections(url, pool_size)

    def tell_figures(self) -> None:
        """From now on the metrics of the pool are those of this database; they are read when somebody asks."""
        pool = self._connections
        DATABASE_CONNECTIONS_LIMIT.set(pool.size)
        DATABASE_CONNECTIONS.labels("used").set_function(lambda: pool.used)
        DATABASE_CONNECTIONS.labels("idle").set_function(lambda: pool.idle)
        DATABASE_WAITING.set_function(lambda: pool.waiting)

    def on_committed(self, count: Count) -> None:
        """Call `count` with every event that a transaction from now on puts into the outbox, once it has committed."""
        self._count = count

    def on_publish(self, hand: Hand) -> None:
        """Call `hand` after every commit that put something into the outbox, with the row if it is known."""
        self._hand = hand

    def transaction(self) -> Transaction:
        """`async with` it: a transaction for one use case. Raises what the block raises, after rolling back."""
        return Transaction(self._connections, self._clock, self._hand, self._count)

    def autocommit(self) -> Transaction:
        """`async with` it: every statement is a transaction by itself, which saves two round trips.

        For reading, and for a change that is a single statement. Without `session`.
        """
        return Transaction(self._connections, self._clock, self._hand, self._count, begin=False)

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self.autocommit() as tx:
            await tx.execute("SELECT 1")

    async def watch(self) -> None:
        """Until cancelled: nobody waits longer than two seconds for a server that hangs. What is broken off raises what
        `problems.is_transient` knows; whether it was committed is not known then.
        """
        await self._connections.watch()

    async def close(self) -> None:
        """Close all connections."""
        await self._connections.close()
