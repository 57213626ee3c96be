"""The SQL of lost links."""

from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import func
from sqlmodel import col, select

from booking.tables import Appointment
from chassis.database import Transaction


class Asked(NamedTuple):
    """For which appointment somebody has lost the link, as they say, and under which address."""

    reference: str
    email: str


async def ask(tx: Transaction, office: str, asked: Asked, now: datetime) -> None:
    """Takes note of it: the same whether or not there is such an appointment."""
    await tx.execute(
        """
        INSERT INTO link_request (id, office, reference, email, asked_at)
        VALUES (:id, :office, :reference, :email, :now)
        """,
        id=uuid4(),
        office=office,
        reference=asked.reference,
        email=asked.email,
        now=now,
    )


async def offices(tx: Transaction) -> list[str]:
    """Where somebody has asked."""
    return [row["office"] for row in await tx.rows("SELECT DISTINCT office FROM link_request")]


async def take(tx: Transaction, office: str, *, limit: int) -> list[Asked]:
    """Takes up to `limit` of what was asked, the oldest first; it is forgotten with this transaction."""
    rows = await tx.rows(
        """
        DELETE FROM link_request
         WHERE id IN (
            SELECT id FROM link_request
             WHERE office = :office
             ORDER BY asked_at LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING reference, email
        """,
        office=office,
        limit=limit,
    )
    return [Asked(row["reference"], row["email"]) for row in rows]


async def appointment(tx: Transaction, office: str, asked: Asked) -> Appointment | None:
    """The appointment of both, if it has a link that lives. Nobody else changes it until this transaction ends."""
    query = (
        select(Appointment)
        .where(
            Appointment.office == office,
            Appointment.reference == asked.reference,
            func.lower(Appointment.email) == asked.email.lower(),
            Appointment.state != "cancelled",
            col(Appointment.erased_at).is_(None),
            col(Appointment.confirm_by).is_(None),
        )
        .with_for_update()
    )
    return (await tx.session.exec(query)).first()
