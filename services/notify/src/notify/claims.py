"""Whose the claimed messages are, and what becomes of those whose owner has died (see docs/adr/0019)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import structlog

from chassis.clock import Clock
from chassis.database import Database
from notify import sending
from notify.model import Claimed

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 1.0
#: How long the owner of a claim has to be absent, at every look, before its claim is freed. A PostgreSQL that starts
#: again has forgotten all locks: their owners have taken them again by then, and keep what they have on the wire.
PATIENCE_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 5.0


class Owner:
    """This process as the owner of claims: it lives as long as it holds a lock of its name in PostgreSQL.

    The lock belongs to a connection of its own, so that with the process, however it ends, it is gone at once.
    """

    def __init__(self) -> None:
        self.id = uuid4()
        self._held = asyncio.Event()
        self._alive = 1

    @property
    def held(self) -> bool:
        """Whether others see that this process lives. Without it nothing should be claimed."""
        return self._held.is_set()

    @property
    def alive(self) -> int:
        """How many processes send, this one included, as of a second ago; the last that is known while PostgreSQL is
        away.
        """
        return self._alive

    @asynccontextmanager
    async def living(
        self, database: Database, in_hand: Container[UUID], clock: Clock, freed: Callable[[], None]
    ) -> AsyncIterator[None]:
        """A block in which this process is seen to live, and frees what the dead have claimed; then calls `freed`.

        `in_hand`: what it knows of its own claims. One that it does not know was committed without its knowledge,
        when a connection broke, and is freed, too.
        """
        tasks = [
            asyncio.create_task(self._hold(database.url)),
            asyncio.create_task(self._look(database, in_hand, clock, freed)),
        ]
        try:
            await self._held.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hold(self, url: str) -> None:
        while True:
            try:
                connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=_ANSWER_SECONDS)
                try:
                    await self._hold_over(connection)
                finally:
                    self._held.clear()
                    connection.terminate()
            except Exception as error:  # noqa: BLE001 - whatever it was: without it nothing is sent any more
                log.warning("claims_without_owner", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _hold_over(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        await connection.execute(sending.HOLD, str(self.id), timeout=_ANSWER_SECONDS)
        await connection.execute(sending.JOIN, timeout=_ANSWER_SECONDS)
        await self._count(connection)
        self._held.set()
        while not ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
            await self._count(connection)  # a line that is dead may keep silent

    async def _count(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._alive = max(1, await connection.fetchval(sending.ALIVE, timeout=_ANSWER_SECONDS))

    async def _look(
        self, database: Database, in_hand: Container[UUID], clock: Clock, freed: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        absent: dict[Claimed, float] = {}
        while True:
            try:
                async with database.autocommit() as tx:
                    claims = await sending.unsure_claims(tx, self.id, clock())
                unknown = [claim for claim in claims if claim.by != self.id or claim.message_id not in in_hand]
                absent = {claim: absent.get(claim, loop.time()) for claim in unknown}
                over = [claim for claim, since in absent.items() if loop.time() - since >= PATIENCE_SECONDS]
                if over and self.held:
                    async with database.autocommit() as tx:
                        log.warning("claims_freed", messages=await sending.free(tx, over, self.id, clock()))
                    freed()
            except Exception as error:  # noqa: BLE001 - whatever it was: who sends must not suffer, and the next look comes
                absent.clear()
                log.warning("no_look_at_claims", error=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)
