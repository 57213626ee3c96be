"""The work list: which orders are to be brought into agreement with the provider's books, and who is at it.

The list lives in the database, so that a request survives whatever happens to the process that took it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.database import Transaction

LEASE: Final = timedelta(seconds=30)
"""How long a worker may be silent before another takes over; longer than all calls to the provider together."""
_LONGEST_PAUSE: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Job:
    """A leased entry of the list."""

    order_id: UUID
    generation: int
    attempts: int


async def enqueue(tx: Transaction, order_id: UUID, now: datetime) -> None:
    """Look at this order soon. During running work it means: once more afterwards."""
    await tx.execute(
        "INSERT INTO order_job (order_id, generation, attempts, due_at) VALUES (:order_id, 1, 0, :now)"
        " ON CONFLICT (order_id) DO UPDATE SET generation = order_job.generation + 1, attempts = 0,"
        " due_at = LEAST(order_job.due_at, excluded.due_at)",
        order_id=order_id,
        now=now,
    )


async def take(tx: Transaction, order_id: UUID, now: datetime) -> Job:
    """Enter this order and lease it at once, for work that begins in this request."""
    row = await tx.row(
        "INSERT INTO order_job (order_id, generation, attempts, due_at, leased_until)"
        " VALUES (:order_id, 1, 1, :now, :until)"
        " ON CONFLICT (order_id) DO UPDATE SET generation = order_job.generation + 1, leased_until = :until,"
        " due_at = LEAST(order_job.due_at, excluded.due_at) RETURNING generation, attempts",
        order_id=order_id,
        now=now,
        until=now + LEASE,
    )
    assert row is not None  # an upsert always returns its row
    return Job(order_id, row["generation"], row["attempts"])


async def claim(tx: Transaction, now: datetime) -> Job | None:
    """Lease the entry that is due longest, or None. Two workers never get the same one."""
    row = await tx.row(
        "UPDATE order_job SET leased_until = :until, attempts = attempts + 1 WHERE order_id = ("
        " SELECT order_id FROM order_job WHERE due_at <= :now AND (leased_until IS NULL OR leased_until <= :now)"
        " ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING order_id, generation, attempts",
        now=now,
        until=now + LEASE,
    )
    return Job(row["order_id"], row["generation"], row["attempts"]) if row else None


async def finish(tx: Transaction, job: Job) -> None:
    """The books agree. A reason to look that came meanwhile keeps the entry."""
    done = await tx.execute(
        "DELETE FROM order_job WHERE order_id = :order_id AND generation = :generation",
        order_id=job.order_id,
        generation=job.generation,
    )
    if not done:
        await tx.execute("UPDATE order_job SET leased_until = NULL WHERE order_id = :order_id", order_id=job.order_id)


async def postpone(tx: Transaction, job: Job, error: str, now: datetime) -> None:
    """It did not work; try again after a pause that doubles up to five minutes."""
    pause = min(timedelta(seconds=2 ** min(job.attempts, 12)), _LONGEST_PAUSE)
    await tx.execute(
        "UPDATE order_job SET leased_until = NULL, due_at = :due, last_error = :error WHERE order_id = :order_id"
        " AND generation = :generation",
        order_id=job.order_id,
        generation=job.generation,
        due=now + pause,
        error=error,
    )
    await tx.execute(
        "UPDATE order_job SET leased_until = NULL WHERE order_id = :order_id AND generation <> :generation",
        order_id=job.order_id,
        generation=job.generation,
    )


async def waiting(tx: Transaction, now: datetime) -> tuple[int, timedelta]:
    """How many orders are on the list, and for how long the first of them has been due."""
    row = await tx.row("SELECT count(*) AS waiting, min(due_at) AS oldest FROM order_job")
    assert row is not None, "an aggregate has one row"
    return int(row["waiting"]), max(timedelta(0), now - (row["oldest"] or now))


async def sweep(tx: Transaction, now: datetime) -> int:
    """Enter the orders whose news may have been lost on the way, and answer how many.

    While a payer is expected (three days at most) or the case has decided: after a minute. A quiet reservation: every
    six hours.
    """
    return await tx.execute(
        "INSERT INTO order_job (order_id, generation, attempts, due_at)"
        " SELECT id, 1, 0, :now FROM payment_order WHERE state IN ('approval_pending', 'authorised')"
        " AND checked_at < CASE WHEN state = 'approval_pending' OR aim <> 'reserve' OR superseded"
        " THEN CAST(:recent AS timestamptz) ELSE CAST(:old AS timestamptz) END"
        " AND (state = 'authorised' OR created_at > :given_up)"
        " ON CONFLICT (order_id) DO NOTHING",
        now=now,
        recent=now - timedelta(minutes=1),
        old=now - timedelta(hours=6),
        given_up=now - timedelta(days=3),
    )
