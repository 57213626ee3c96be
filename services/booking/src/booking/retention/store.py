"""The SQL of the retention clock: in batches, so that nobody waits for it, and shared among processes."""

from datetime import date, datetime
from uuid import UUID

from booking.appointments import store as appointments
from booking.entries import store as waiting
from booking.personal_data import REGISTRY
from chassis.database import Transaction


async def offices(tx: Transaction) -> list[str]:
    """All offices that have something to erase some day, also those whose file is gone."""
    rows = await tx.rows("SELECT office FROM appointment WHERE erased_at IS NULL UNION SELECT office FROM blocked_time")
    return [row["office"] for row in rows]


async def erase_appointments(tx: Transaction, office: str, ended_before: datetime, now: datetime, *, limit: int) -> int:
    """Erases up to `limit` citizens of appointments that ended before an instant; how many.

    Times, services and outcome stay for the statistics; nothing in them tells of a person.
    """
    rows = await tx.rows(
        """
        SELECT id FROM appointment
         WHERE office = :office AND ends_at < :before AND erased_at IS NULL
         ORDER BY ends_at
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
        """,
        office=office,
        before=ended_before,
        limit=limit,
    )
    ids = [row["id"] for row in rows]
    if ids:
        await waiting.erase(tx, ids)
        await appointments.erase(tx, ids, now)
    return len(ids)


async def forget_absences(tx: Transaction, office: str, ended_before: datetime) -> int:
    """Forgets why clerks were away until before an instant, and who said so; how many times. When stays: statistics."""
    return await tx.execute(
        f"""
        UPDATE blocked_time SET {REGISTRY["blocked_time"].emptied()}
         WHERE office = :office AND ends_at < :before
           AND (reason <> 'other' OR note IS NOT NULL OR created_by <> '')
        """,  # noqa: S608 - a constant of ours
        office=office,
        before=ended_before,
    )


async def end_pointless_waiting(
    tx: Transaction, office: str, since: datetime, today: date, now: datetime
) -> list[UUID]:
    """Ends the waiting for appointments that have begun or are off, for days that are over, and of those who have
    waited since before `since`; the entries. `today` is the office's local day."""
    rows = await tx.rows(
        """
        UPDATE waiting_entry AS entry
           SET state = 'done', changed_at = :now
         WHERE entry.office = :office AND entry.state = 'waiting'
           AND CASE WHEN entry.appointment_id IS NULL
                    THEN entry.since < :since OR entry.last_day < :today
                    ELSE NOT EXISTS (
                             SELECT FROM appointment
                              WHERE appointment.id = entry.appointment_id AND appointment.state = 'booked'
                                AND appointment.starts_at > :now)
               END
        RETURNING entry.id
        """,
        office=office,
        since=since,
        today=today,
        now=now,
    )
    return [row["id"] for row in rows]


async def forget_link_requests(tx: Transaction, asked_before: datetime) -> int:
    """Deletes what was asked before an instant and nobody took: that of offices whose file is gone; how many."""
    return await tx.execute("DELETE FROM link_request WHERE asked_at < :before", before=asked_before)


async def forget_waiting(tx: Transaction, ended_before: datetime) -> int:
    """Deletes entries of the waiting list that ended before an instant, and offers to those who wait on; how many."""
    old = "SELECT id FROM waiting_entry WHERE state IN ('done', 'left') AND changed_at < :before"
    offices = await tx.execute(
        f"DELETE FROM slot_offer WHERE (state <> 'open' AND starts_at < :before) OR entry_id IN ({old})",  # noqa: S608
        before=ended_before,
    )
    entries = await tx.execute(f"DELETE FROM waiting_entry WHERE id IN ({old})", before=ended_before)  # noqa: S608
    return offices + entries
