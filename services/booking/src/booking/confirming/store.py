"""The SQL of appointments whose address is not confirmed yet. Their time is taken like that of all others."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import select

from booking.tables import Appointment
from chassis.database import Transaction
from contracts.ids import AppointmentId


async def reservation(
    tx: Transaction, office: str, appointment_id: AppointmentId, *, lock: bool = False
) -> Appointment | None:
    """An appointment of `office`, confirmed or not. `lock`: nobody else changes it until this transaction ends."""
    query: Any = select(Appointment).where(Appointment.id == appointment_id, Appointment.office == office)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found: Appointment | None = (await tx.session.exec(query)).first()
    return found


async def question_returned(tx: Transaction, office: str, appointment_id: AppointmentId, question: UUID) -> None:
    """The mail with the question came back. Nothing happens if it was answered, or another one was asked since."""
    await tx.execute(
        """
        UPDATE appointment SET confirm_returned = true
         WHERE office = :office AND id = :id AND confirm_question = :question AND confirm_by IS NOT NULL
        """,
        office=office,
        id=appointment_id,
        question=question,
    )


async def offices(tx: Transaction, now: datetime) -> list[str]:
    """Where something was not confirmed in time."""
    rows = await tx.rows("SELECT DISTINCT office FROM appointment WHERE confirm_by <= :now", now=now)
    return [row["office"] for row in rows]


async def delete_unconfirmed(tx: Transaction, office: str, now: datetime, *, limit: int) -> list[UUID]:
    """Deletes up to `limit` of what was not confirmed in time, the person with it; which. Several processes may."""
    rows = await tx.rows(
        """
        DELETE FROM appointment
         WHERE id IN (
            SELECT id FROM appointment
             WHERE office = :office AND confirm_by <= :now
             LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING id
        """,
        office=office,
        now=now,
        limit=limit,
    )
    return [row["id"] for row in rows]
