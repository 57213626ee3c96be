"""The end of sessions, and that the other services hear of it: they trust an access token for its ten minutes."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from casework.clerks import store
from casework.clerks.model import Account
from chassis.clock import Clock
from chassis.database import Database, Transaction
from contracts.casework import SessionsEnded
from contracts.ids import ClerkId

_EVERY_SECONDS: Final = 30.0


async def everywhere(tx: Transaction, account: Account, now: datetime) -> None:
    """Ends all sessions of `account`, and tells so."""
    await told(tx, account.office, account.clerk_id, await store.end_sessions(tx, account.clerk_id, now), now)


async def run(offices: Iterable[str], database: Database, clock: Clock) -> None:
    """End what is over by itself, at most half a minute late, until cancelled."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        await expire(database, offices, clock())


async def expire(database: Database, offices: Iterable[str], now: datetime) -> None:
    """Ends the sessions of `offices` that are over by themselves: their clerks may have something open still."""
    for office in offices:
        async with database.transaction() as tx:
            over: dict[UUID, list[UUID]] = {}
            for clerk_id, session_id in await store.end_expired(tx, office, now):
                over.setdefault(clerk_id, []).append(session_id)
            for clerk_id, sessions in over.items():
                await told(tx, office, clerk_id, sessions, now)


async def told(tx: Transaction, office: str, clerk_id: UUID, sessions: Sequence[UUID], now: datetime) -> None:
    """Tell the others that these sessions of a clerk are over."""
    if sessions:
        event = SessionsEnded(office=office, clerk_id=ClerkId(clerk_id), sessions=tuple(sessions), at=now)
        await tx.publish(event, actor="system:casework")
