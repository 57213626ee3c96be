"""What notify does: queue a message for an event, send what is due. One function, one transaction."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from chassis.database import Database, Transaction
from contracts.base import Event
from contracts.booking import BookingCancelled, BookingCompleted
from contracts.casework import CaseCompleted
from contracts.notify import Delivered, Failed, MessageKind
from contracts.payment import PaymentCaptured
from contracts.text import Language
from notify import store
from notify.errors import UnknownRecipient
from notify.model import Context, Message, Trouble, next_try

#: Longer than the SMTP client's own limit, so that no second sender takes a message that is still being sent.
LEASE: Final = timedelta(seconds=90)
BATCH: Final = 20


async def confirm_booking(tx: Transaction, event: BookingCompleted, cause: UUID, now: datetime) -> None:
    """Queue the confirmation with the video link."""
    await store.remember(tx, event.appointment_id, event.office, event.reference, event.citizen)
    context = _appointment(event) | {"link_token": event.link_token}
    await _queue(tx, "confirmation", event, event.citizen.email, event.citizen.language, context, cause, now)


async def tell_cancellation(tx: Transaction, event: BookingCancelled, cause: UUID, now: datetime) -> None:
    """Queue the mail that an appointment is off."""
    context = _appointment(event) | {"cancelled_by": event.cancelled_by}
    await _queue(tx, "cancellation", event, event.citizen.email, event.citizen.language, context, cause, now)


async def say_goodbye(tx: Transaction, event: CaseCompleted, cause: UUID, now: datetime) -> None:
    """Queue the mail that the matter is done."""
    context: Context = {
        "reference": event.reference,
        "name": event.citizen.name,
        "services": list(event.services),
        "amount_cents": event.amount_cents,
    }
    await _queue(tx, "completion", event, event.citizen.email, event.citizen.language, context, cause, now)


async def send_receipt(tx: Transaction, event: PaymentCaptured, cause: UUID, now: datetime) -> None:
    """Queue the receipt. Raises UnknownRecipient while the booking has not arrived."""
    recipient = await store.recipient(tx, event.appointment_id)
    if recipient is None:
        raise UnknownRecipient(str(event.appointment_id))
    context: Context = {
        "reference": recipient.reference,
        "name": recipient.name,
        "receipt_number": event.receipt_number,
        "amount_cents": event.amount_cents,
        "at": event.at.isoformat(),
    }
    language: Language = "en" if recipient.language == "en" else "de"
    await _queue(tx, "receipt", event, recipient.email, language, context, cause, now)


def _appointment(event: BookingCompleted | BookingCancelled) -> Context:
    return {
        "reference": event.reference,
        "name": event.citizen.name,
        "time_zone": event.citizen.time_zone,
        "starts_at": event.starts_at.isoformat(),
        "ends_at": event.ends_at.isoformat(),
        "services": [service.service_id for service in event.services],
    }


async def _queue(
    tx: Transaction,
    kind: MessageKind,
    event: Event,
    email: str,
    language: Language,
    context: Context,
    cause: UUID,
    now: datetime,
) -> None:
    message = Message(
        id=uuid4(),
        office=event.office,
        appointment_id=event.appointment_id,
        kind=kind,
        cause=cause,
        recipient=email,
        language=language,
        context=context,
        created_at=now,
        tries=0,
    )
    await store.add(tx, message)


async def claim_due(database: Database, now: datetime) -> list[Message]:
    """Take what is due, for this sender alone and for LEASE."""
    async with database.transaction() as tx:
        return await store.claim(tx, now, now + LEASE, BATCH)


async def settle_delivered(database: Database, message: Message, now: datetime) -> None:
    """Note that the mail server took `message`, and tell it."""
    async with database.transaction() as tx:
        if await store.mark_delivered(tx, message.id, now):
            await tx.publish(
                Delivered(
                    office=message.office,
                    appointment_id=message.appointment_id,
                    kind=message.kind,
                    cause=message.cause,
                    at=now,
                ),
                actor="system:notify",
            )


async def settle_trouble(database: Database, message: Message, trouble: Trouble, now: datetime) -> None:
    """Plan another try of `message`, or give it up and tell it."""
    async with database.transaction() as tx:
        again = next_try(trouble, message.tries, now)
        if again is not None:
            await store.postpone(tx, message.id, trouble, again)
        elif await store.mark_failed(tx, message.id, trouble, now):
            await tx.publish(
                Failed(
                    office=message.office,
                    appointment_id=message.appointment_id,
                    kind=message.kind,
                    cause=message.cause,
                    at=now,
                    reason="unreachable" if trouble in (Trouble.DEFERRED, Trouble.UNREACHABLE) else trouble.value,
                ),
                actor="system:notify",
            )
