"""One PostgreSQL database per service, and the transaction that a use case runs in."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.engine import CursorResult, RowMapping
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from chassis.clock import Clock, utc_now
from chassis.outbox import INSERT, OutboxRow, row_of
from contracts.base import Event, Meta

Wake = Callable[[], None]


class Transaction:
    """One transaction. It commits when its block ends and rolls back when the block raises; nobody calls commit."""

    def __init__(self, session: AsyncSession, clock: Clock, wake_relay: Wake) -> None:
        self.session = session
        self._clock = clock
        self._wake_relay = wake_relay
        self._after_commit: dict[Wake, None] = {}

    async def rows(self, sql: str, **parameters: object) -> list[RowMapping]:
        """All rows of `sql`, whose parameters are named `:like_this`."""
        result = await self._run(sql, parameters)
        return list(result.mappings())

    async def row(self, sql: str, **parameters: object) -> RowMapping | None:
        """The first row of `sql`, or None."""
        result = await self._run(sql, parameters)
        return result.mappings().first()

    async def execute(self, sql: str, **parameters: object) -> int:
        """Run `sql`; the number of rows it touched."""
        result = await self._run(sql, parameters)
        return result.rowcount

    async def _run(self, sql: str, parameters: dict[str, object]) -> CursorResult[Any]:
        await self.session.flush()  # so that a statement sees what the session has pending
        connection = await self.session.connection()
        return await connection.execute(text(sql), parameters)

    async def publish(self, event: Event, *, actor: str | None = None) -> Meta:
        """Put `event` into the outbox: it reaches the bus if, and only if, this transaction commits."""
        row, meta = self.outbox_row(event, actor=actor)
        await self.execute(INSERT, **row)
        return meta

    def outbox_row(self, event: Event, *, actor: str | None = None) -> tuple[OutboxRow, Meta]:
        """The outbox row for `event`, for a hot path that inserts it within a statement of its own.

        The columns are those of `chassis.outbox.INSERT`. The relay is woken at commit.
        """
        context = structlog.contextvars.get_contextvars()
        meta = Meta.of(
            event,
            now=self._clock(),
            actor=actor,
            correlationid=context.get("correlation_id"),
            traceparent=context.get("traceparent"),
        )
        self.after_commit(self._wake_relay)
        return row_of(event, meta), meta

    def after_commit(self, wake: Wake) -> None:
        """Call `wake` once this transaction has committed: for waking a worker, whose poll makes up for a lost call."""
        self._after_commit[wake] = None

    def committed(self) -> None:
        """Call what waits for the commit."""
        for wake in self._after_commit:
            wake()


class Database:
    """The connection pool of one service."""

    def __init__(self, url: str, *, pool_size: int = 10, clock: Clock = utc_now) -> None:
        self.url = url
        self._clock = clock
        self._wake: Wake = lambda: None
        self._engine = create_async_engine(
            "postgresql+asyncpg://" + url.split("://", 1)[1],
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=2,
            pool_pre_ping=True,
            connect_args={"timeout": 5, "command_timeout": 30},
        )

    def on_publish(self, wake: Wake) -> None:
        """Call `wake` after every commit that put something into the outbox."""
        self._wake = wake

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction for one use case. Raises what the block raises, after rolling back."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            tx = Transaction(session, self._clock, self._wake)
            async with session.begin():
                yield tx
        tx.committed()

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
