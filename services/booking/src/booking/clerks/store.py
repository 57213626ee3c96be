"""The SQL of the office's week (one statement for everything that lies in it) and of moving many appointments."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from booking.appointments.summaries import COLUMNS
from booking.clerks.reassignment_plan import Stuck
from chassis.database import Row, Transaction
from chassis.idempotency import IdempotencyMismatch

_IN_RANGE: Final = (
    "office = :office AND starts_at > CAST(:low AS timestamptz) - interval '8 hours' AND starts_at < :high"
    " AND ends_at > :low"
)
# Cancelled appointments are not in the week: their time is others' by now. An appointment is at most 8 hours long. What
# is booked and what is over have an index each, so they are asked for separately.
WEEK: Final = f"""
    SELECT 'appointment' AS kind, {COLUMNS}, NULL AS reason, NULL AS note, CAST(NULL AS timestamptz) AS confirm_by
      FROM appointment WHERE state = 'booked' AND confirm_by IS NULL AND {_IN_RANGE}
    UNION ALL
    SELECT 'appointment', {COLUMNS}, NULL, NULL, NULL
      FROM appointment WHERE state <> 'booked' AND state <> 'cancelled' AND {_IN_RANGE}
    UNION ALL
    SELECT 'blocked', id, NULL, lane, starts_at, ends_at, NULL, NULL, NULL, NULL, NULL, reason, note, NULL
      FROM blocked_time
     WHERE office = :office AND ends_at > :low AND starts_at < :high
    UNION ALL
    SELECT 'provisional', id, NULL, lane, starts_at, ends_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, confirm_by
      FROM appointment WHERE state = 'booked' AND confirm_by > :now AND {_IN_RANGE}
     ORDER BY starts_at, lane
"""  # noqa: S608 - constants of ours


class Week(NamedTuple):
    """The rows of a stretch of time, by start: appointments that were not cancelled, blocked times, and times that are
    kept until somebody confirms their address."""

    appointments: list[Row]
    blocked: list[Row]
    provisional: list[Row]


async def week(tx: Transaction, office: str, low: datetime, high: datetime, now: datetime) -> Week:
    """What touches the time from `low` to `high`."""
    rows = await tx.rows(WEEK, office=office, low=low, high=high, now=now)
    return Week(*([row for row in rows if row["kind"] == kind] for kind in ("appointment", "blocked", "provisional")))


class Progress(BaseModel):
    """What a mass move has done so far, by appointment. It lies where the answer to its Idempotency-Key lies.

    No names: it outlives the request.
    """

    pending: list[UUID]
    kept: list[UUID] = []
    moved: dict[UUID, tuple[datetime, datetime]] = {}
    left: dict[UUID, Stuck] = {}


async def begin(tx: Transaction, scope: str, key: str, request: BaseModel, now: datetime) -> Progress | None:
    """Claims the key for `request`; None if it is new, else what was done. Raises IdempotencyMismatch."""
    digest = hashlib.sha256(request.model_dump_json().encode()).digest()
    fresh = await tx.execute(
        """
        INSERT INTO idempotent_answers (scope, key, request_hash, created_at) VALUES (:scope, :key, :digest, :now)
            ON CONFLICT DO NOTHING
        """,
        scope=scope,
        key=key,
        digest=digest,
        now=now,
    )
    if fresh:
        return None
    row = await tx.row(
        "SELECT request_hash FROM idempotent_answers WHERE scope = :scope AND key = :key", scope=scope, key=key
    )
    if row is None or bytes(row["request_hash"]) != digest:
        raise IdempotencyMismatch("Use a new Idempotency-Key for a new request.")
    return await progress(tx, scope, key)


async def progress(tx: Transaction, scope: str, key: str) -> Progress:
    """What was done so far. Until this transaction ends nobody else goes on with the same request."""
    row = await tx.row(
        "SELECT answer FROM idempotent_answers WHERE scope = :scope AND key = :key FOR UPDATE", scope=scope, key=key
    )
    assert row is not None, "answers are kept for longer than a request takes"
    return Progress.model_validate(row["answer"])


async def note(tx: Transaction, scope: str, key: str, done: Progress) -> None:
    """Notes what was done, in the transaction that did it."""
    await tx.execute(
        "UPDATE idempotent_answers SET answer = CAST(:answer AS jsonb) WHERE scope = :scope AND key = :key",
        answer=done.model_dump_json(),
        scope=scope,
        key=key,
    )


async def locked(tx: Transaction, office: str, appointment_id: UUID) -> Row | None:
    """An appointment's brief; nobody else changes it until this transaction ends."""
    return await tx.row(
        f"""
        SELECT {COLUMNS}, coalesce(busy_until, ends_at) AS until FROM appointment
         WHERE office = :office AND id = :id
           FOR UPDATE
        """,  # noqa: S608 - constants of ours
        office=office,
        id=appointment_id,
    )


async def briefs_of(tx: Transaction, office: str, ids: Sequence[UUID]) -> list[Row]:
    """Some appointments in short."""
    return await tx.rows(
        f"SELECT {COLUMNS} FROM appointment WHERE office = :office AND id = ANY (CAST(:ids AS uuid[]))",  # noqa: S608
        office=office,
        ids=list(ids),
    )
