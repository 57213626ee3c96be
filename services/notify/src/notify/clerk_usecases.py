"""What clerks do: see what became of the messages about an appointment, and send one again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

import structlog

from chassis.database import Transaction
from contracts.actors import Clerk
from contracts.ids import AppointmentId
from notify import store
from notify.errors import NotResendable, UnknownMessage
from notify.model import LINKED, Message
from notify.tables import MessageRow, Recipient

log = structlog.get_logger(__name__)


async def messages(tx: Transaction, clerk: Clerk, appointment_id: AppointmentId) -> Sequence[MessageRow]:
    """All messages about an appointment of the clerk's office, newest first. Raises UnknownMessage without any."""
    rows = await store.messages(tx, clerk, appointment_id)
    if not rows:
        raise UnknownMessage(str(appointment_id))
    return rows


async def message(tx: Transaction, clerk: Clerk, appointment_id: AppointmentId, message_id: UUID) -> MessageRow:
    """One message. Raises UnknownMessage, also for another office's."""
    row = await store.message(tx, clerk, appointment_id, message_id)
    if row is None:
        raise UnknownMessage(str(message_id))
    return row


async def resend(tx: Transaction, clerk: Clerk, appointment_id: AppointmentId, message_id: UUID, now: datetime) -> UUID:
    """Queue a message once more, under a new id: mail programs hide a second copy of the old one. Which it is now.

    The old message, if unsent, is dropped. Raises UnknownMessage (also for another office's), and NotResendable when
    what it says is not true any more.
    """
    recipient = await store.lock_recipient(tx, clerk, appointment_id)
    old = (await message(tx, clerk, appointment_id, message_id)).message
    _check(old, recipient, now)
    address = recipient.address if recipient else old.recipient
    context = old.with_link_of(recipient.context) if recipient else old.context
    await store.drop_one(tx, old.id, now)
    fresh = replace(old, id=uuid4(), cause=uuid4(), recipient=address, context=context, created_at=now, tries=0)
    await store.add(tx, fresh)
    log.info("message_resent", message_id=str(old.id), kind=old.kind, by=clerk.name)
    return fresh.id


def _check(old: Message, recipient: Recipient | None, now: datetime) -> None:
    if not old.recipient or old.channel != "mail" or (recipient and recipient.erased_at):
        raise NotResendable("What it said is not stored any more.")
    if old.valid_until is not None and old.valid_until <= now:
        raise NotResendable("Its time has passed.")
    if old.kind == "waiting_list" and recipient:
        raise NotResendable("Who waited has an appointment by now.")
    if old.kind == "reminder" and recipient and recipient.reminders_declined:
        raise NotResendable("This person wants no reminders of the appointment.")
    if old.kind in LINKED and recipient:
        generation = old.context.get("generation", recipient.link_generation)
        if recipient.over or generation != recipient.link_generation:
            raise NotResendable("The appointment has moved or is off: its link is no longer valid.")
