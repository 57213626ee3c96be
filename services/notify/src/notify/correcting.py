"""The SQL of corrected addresses: what is known of them, and what becomes of mails to the one before."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from chassis.database import Transaction
from contracts.booking import BookingContactChanged
from contracts.ids import AppointmentId
from notify.model import LINKED, Message
from notify.tables import MessageRow

#: Under a claim: somebody is just sending it.
_ON_THE_WIRE: Final = "coalesce(claimed_until = next_try_at AND next_try_at > :now, false)"


async def corrected_later(tx: Transaction, event: BookingContactChanged) -> bool:
    """Whether a later correction than `event` is known."""
    later = await tx.row(
        "SELECT 1 FROM recipient WHERE appointment_id = :appointment_id"
        " AND (contact_generation, contact_revision) > (:generation, :revision)",
        appointment_id=event.appointment_id,
        generation=event.link_generation,
        revision=event.revision,
    )
    return later is not None


async def correct_contact(tx: Transaction, event: BookingContactChanged) -> None:
    """Write where `event` says from now on, whatever others say."""
    await tx.execute(
        "UPDATE recipient SET corrected_email = :email, phone = :phone, contact_generation = :generation,"
        " contact_revision = :revision WHERE appointment_id = :appointment_id",
        appointment_id=event.appointment_id,
        email=event.citizen.email,
        phone=event.citizen.phone,
        generation=event.link_generation,
        revision=event.revision,
    )


async def called_off(tx: Transaction, appointment_id: AppointmentId) -> bool:
    """Whether the citizen was written that their appointment is cancelled."""
    told = await tx.row(
        "SELECT 1 FROM message WHERE appointment_id = :appointment_id AND kind = 'cancellation' LIMIT 1",
        appointment_id=appointment_id,
    )
    return told is not None


async def brings_the_link(tx: Transaction, event: BookingContactChanged) -> bool:
    """Whether a mail that waits to be sent brings the citizen the link that `event` tells."""
    bringing = await tx.row(
        "SELECT 1 FROM message WHERE appointment_id = :appointment_id AND state = 'pending' AND channel = 'mail'"
        " AND recipient = :email AND context ->> 'link_token' = :link LIMIT 1",
        appointment_id=event.appointment_id,
        email=event.citizen.email,
        link=event.link_token,
    )
    return bringing is not None


async def redirect(tx: Transaction, event: BookingContactChanged, now: datetime) -> None:
    """Send where `event` says what waits to be sent, with the link that is good now; not what is on the wire."""
    await tx.execute(
        "UPDATE message SET recipient = :email, context = CASE WHEN context ? 'link_token'"  # noqa: S608 - constants
        " THEN context || CAST(:link AS jsonb) ELSE context END"
        " WHERE appointment_id = :appointment_id AND state = 'pending' AND channel = 'mail' AND kind <> ALL(:linked)"
        f" AND NOT {_ON_THE_WIRE}",
        appointment_id=event.appointment_id,
        email=event.citizen.email,
        link=json.dumps({"link_token": event.link_token}),
        linked=list(LINKED),
        now=now,
    )


async def drop_on_the_wire(tx: Transaction, event: BookingContactChanged, now: datetime) -> None:
    """Try no more to send elsewhere than `event` says what is being sent this moment."""
    await tx.execute(
        "UPDATE message SET state = 'dropped', settled_at = :now, next_try_at = NULL"  # noqa: S608 - constants
        " WHERE appointment_id = :appointment_id AND state = 'pending' AND channel = 'mail'"
        f" AND lower(recipient) <> lower(:email) AND {_ON_THE_WIRE}",
        appointment_id=event.appointment_id,
        email=event.citizen.email,
        now=now,
    )


async def gone_astray(tx: Transaction, event: BookingContactChanged, kinds: Sequence[str]) -> list[Message]:
    """What was written, and neither arrived where `event` says nor is on its way there."""
    found = await tx.session.exec(
        select(MessageRow)
        .where(
            MessageRow.appointment_id == event.appointment_id,
            col(MessageRow.kind).in_(kinds),
            col(MessageRow.state).in_(("pending", "delivered", "failed")),
            MessageRow.channel == "mail",
            MessageRow.recipient != "",
        )
        .order_by(col(MessageRow.created_at), col(MessageRow.id))
    )
    written = found.all()
    email = event.citizen.email.casefold()
    there = {row.message.content for row in written if row.recipient.casefold() == email and row.state != "failed"}
    return list({row.message.content: row.message for row in written if row.message.content not in there}.values())
