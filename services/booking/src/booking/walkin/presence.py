"""Which clerks have their workplace open, as signaling says. A timetable says who should be there; this, who is."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.database import Transaction

#: signaling repeats itself every thirty seconds while anybody is there. After so long without a word nobody is.
SILENCE: Final = timedelta(seconds=90)


async def heard(tx: Transaction, office: str, clerks: Collection[UUID], at: datetime) -> None:
    """Notes who was there at `at`; what is known from later stays."""
    await tx.execute(
        """
        INSERT INTO clerks_present (office, clerks, said_at) VALUES (:office, :clerks, :at)
        ON CONFLICT (office) DO UPDATE SET clerks = excluded.clerks, said_at = excluded.said_at
         WHERE clerks_present.said_at < excluded.said_at
        """,
        office=office,
        clerks=sorted(clerks),
        at=at,
    )


async def clerks(tx: Transaction, office: str, now: datetime) -> frozenset[UUID]:
    """The office's clerks who are there."""
    row = await tx.row(
        "SELECT clerks FROM clerks_present WHERE office = :office AND said_at > :since",
        office=office,
        since=now - SILENCE,
    )
    return frozenset() if row is None else frozenset(row["clerks"])
