"""All SQL of notify."""

import json
from datetime import datetime
from uuid import UUID

from chassis.database import Transaction
from contracts.booking import CitizenContact
from contracts.ids import AppointmentId, OfficeSlug
from notify.model import Message, Trouble, key
from notify.tables import Recipient


async def remember(
    tx: Transaction, appointment_id: AppointmentId, office: OfficeSlug, reference: str, citizen: CitizenContact
) -> None:
    """Keep whom to write to about an appointment."""
    await tx.execute(
        "INSERT INTO recipient (appointment_id, office, reference, name, email, language, time_zone)"
        " VALUES (:appointment_id, :office, :reference, :name, :email, :language, :time_zone)"
        " ON CONFLICT (appointment_id) DO NOTHING",
        appointment_id=appointment_id,
        office=office,
        reference=reference,
        name=citizen.name,
        email=citizen.email,
        language=citizen.language,
        time_zone=citizen.time_zone,
    )


async def recipient(tx: Transaction, appointment_id: AppointmentId) -> Recipient | None:
    """Whom to write to about an appointment, if its booking has been heard of."""
    return await tx.session.get(Recipient, appointment_id)


async def add(tx: Transaction, message: Message) -> bool:
    """Queue `message`; False when its cause has already had one of this kind."""
    return bool(
        await tx.execute(
            "INSERT INTO message (id, key, office, appointment_id, kind, cause, recipient, language, context, state,"
            " tries, next_try_at, created_at)"
            " VALUES (:id, :key, :office, :appointment_id, :kind, :cause, :recipient, :language,"
            " CAST(:context AS jsonb), 'pending', 0, :created_at, :created_at) ON CONFLICT (key) DO NOTHING",
            id=message.id,
            key=key(message.kind, message.cause),
            office=message.office,
            appointment_id=message.appointment_id,
            kind=message.kind,
            cause=message.cause,
            recipient=message.recipient,
            language=message.language,
            context=json.dumps(message.context),
            created_at=message.created_at,
        )
    )


async def claim(tx: Transaction, now: datetime, lease_until: datetime, limit: int) -> list[Message]:
    """Up to `limit` due messages, oldest first, for one sender alone until `lease_until`.

    A sender that dies leaves its messages due again at the end of the lease.
    """
    rows = await tx.rows(
        "UPDATE message SET tries = tries + 1, next_try_at = :lease_until WHERE id IN ("
        " SELECT id FROM message WHERE state = 'pending' AND next_try_at <= :now"
        " ORDER BY next_try_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
        " RETURNING id, office, appointment_id, kind, cause, recipient, language, context, created_at, tries",
        now=now,
        lease_until=lease_until,
        limit=limit,
    )
    return [Message(**row) for row in rows]


async def mark_delivered(tx: Transaction, message_id: UUID, now: datetime) -> bool:
    """Note the hand-over; False when it was noted before."""
    return bool(
        await tx.execute(
            "UPDATE message SET state = 'delivered', settled_at = :now, next_try_at = NULL, trouble = NULL"
            " WHERE id = :id AND state = 'pending'",
            id=message_id,
            now=now,
        )
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


async def postpone(tx: Transaction, message_id: UUID, trouble: Trouble, until: datetime) -> None:
    """Try the message again at `until`."""
    await tx.execute(
        "UPDATE message SET next_try_at = :until, trouble = :trouble WHERE id = :id AND state = 'pending'",
        id=message_id,
        until=until,
        trouble=trouble,
    )
