"""The SQL of sending: who may, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.database import Transaction
from chassis.outbox import OutboxRow
from notify.model import Claim, Claimed, Message, Returned, Trouble

#: A process that owns claims holds a lock of its name as long as it lives; `$1` is that name.
HOLD: Final = "SELECT pg_advisory_lock(hashtextextended('sender:' || $1, 0))"

#: Every process that sends shares this lock, whose only meaning is how many do.
JOIN: Final = "SELECT pg_advisory_lock_shared(1, 1)"
ALIVE: Final = """
    SELECT count(*)::int FROM pg_locks
     WHERE locktype = 'advisory' AND classid = 1 AND objid = 1 AND objsubid = 2 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def claim(tx: Transaction, now: datetime, claim: Claim, limit: int) -> list[Message]:
    """Up to `limit` due messages, oldest first, reminders behind all others, under `claim`.

    Who waits for a link has nothing yet; who is reminded has. What is worthless by now is dropped instead.

    A sender that dies leaves its messages due again at the end of the claim, if nobody frees them before.
    """
    rows = await tx.rows(
        """
        WITH outdated AS (
            UPDATE message SET state = 'dropped', settled_at = :now, next_try_at = NULL
             WHERE state = 'pending' AND valid_until <= :now
        )
        UPDATE message SET tries = tries + 1, next_try_at = :until, claimed_by = :by, claimed_until = :until
         WHERE id IN (
            SELECT id FROM message
             WHERE state = 'pending' AND next_try_at <= :now AND (valid_until IS NULL OR valid_until > :now)
             ORDER BY kind = 'reminder', next_try_at LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING id, office, appointment_id, kind, cause, recipient, language, context, created_at, tries,
            valid_until, plain_language, channel, carried
        """,
        now=now,
        until=claim.until,
        by=claim.by,
        limit=limit,
    )
    return [Message(**row) for row in sorted(rows, key=lambda row: (row["kind"] == "reminder", row["created_at"]))]


async def note_delivered(tx: Transaction, message_id: UUID, now: datetime, told: OutboxRow | None) -> None:
    """Note the hand-over and put `told` into the outbox, unless that was noted or the message dropped before."""
    if told is None:
        await tx.execute(
            "UPDATE message SET state = 'delivered', settled_at = :now, next_try_at = NULL, trouble = NULL"
            " WHERE id = :id AND state = 'pending'",
            id=message_id,
            now=now,
        )
        return
    await tx.execute(
        """
        WITH noted AS (
            UPDATE message SET state = 'delivered', settled_at = :now, next_try_at = NULL, trouble = NULL
             WHERE id = :id AND state = 'pending' RETURNING id
        )
        INSERT INTO outbox (event_id, subject, headers, body, created_at)
        SELECT CAST(:event_id AS uuid), CAST(:subject AS text), CAST(:headers AS jsonb), CAST(:body AS bytea),
               CAST(:created_at AS timestamptz) FROM noted
        """,
        id=message_id,
        now=now,
        **told,
    )


async def mark_failed(tx: Transaction, message_id: UUID, trouble: Trouble, now: datetime) -> bool:
    """Give the message up; False when it was settled before."""
    return bool(
        await tx.execute(
            "UPDATE message SET state = 'failed', settled_at = :now, next_try_at = NULL, trouble = :trouble"
            " WHERE id = :id AND state = 'pending'",
            id=message_id,
            now=now,
            trouble=trouble,
        )
    )


async def mark_returned(tx: Transaction, message_id: UUID, trouble: Trouble, now: datetime) -> Returned | None:
    """Note that a mail came back, also while nobody knows yet that it was taken; None if nothing is to be told of it.

    Of one that is forgotten, dropped or given up before there is nothing to tell.
    """
    row = await tx.row(
        """
        UPDATE message SET state = 'failed', settled_at = :now, next_try_at = NULL, trouble = :trouble
         WHERE /* everywhere */ id = :id AND state IN ('pending', 'delivered') AND channel = 'mail' AND recipient <> ''
        RETURNING office, appointment_id, kind, cause
        """,
        id=message_id,
        now=now,
        trouble=trouble,
    )
    return None if row is None else Returned(**row)


async def give_back(tx: Transaction, message_id: UUID, now: datetime) -> None:
    """Undo a claim: nothing was tried."""
    await tx.execute(
        "UPDATE message SET next_try_at = :now, tries = tries - 1 WHERE id = :id AND state = 'pending'",
        id=message_id,
        now=now,
    )


async def postpone(tx: Transaction, message_id: UUID, trouble: Trouble, until: datetime) -> None:
    """Try the message again at `until`."""
    await tx.execute(
        "UPDATE message SET next_try_at = :until, trouble = :trouble WHERE id = :id AND state = 'pending'",
        id=message_id,
        until=until,
        trouble=trouble,
    )


async def unsure_claims(tx: Transaction, me: UUID, now: datetime) -> list[Claimed]:
    """All claims of `me`, and those of others that nobody seems to live behind: their lock can be had."""
    rows = await tx.rows(
        """
        SELECT id AS message_id, claimed_by AS by, claimed_until AS until FROM message
         WHERE state = 'pending' AND next_try_at > :now AND claimed_until = next_try_at
           AND CASE WHEN claimed_by = :me THEN true ELSE
               pg_try_advisory_xact_lock_shared(hashtextextended('sender:' || CAST(claimed_by AS text), 0)) END
        """,
        me=me,
        now=now,
    )
    return [Claimed(**row) for row in rows]


async def free(tx: Transaction, claims: Sequence[Claimed], me: UUID, now: datetime) -> int:
    """Let the messages under these claims be due, unless somebody lives behind a claim after all; how many."""
    return await tx.execute(
        """
        UPDATE message SET next_try_at = :now, claimed_by = NULL, claimed_until = NULL
          FROM unnest(CAST(:ids AS uuid[]), CAST(:owners AS uuid[])) AS freed (id, owner)
         WHERE message.id = freed.id AND claimed_by = owner AND state = 'pending' AND claimed_until = next_try_at
           AND CASE WHEN claimed_by = :me THEN true ELSE
               pg_try_advisory_xact_lock_shared(hashtextextended('sender:' || CAST(claimed_by AS text), 0)) END
        """,
        ids=[one.message_id for one in claims],
        owners=[one.by for one in claims],
        me=me,
        now=now,
    )
