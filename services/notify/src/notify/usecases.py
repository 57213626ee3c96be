"""What notify does: queue a message for an event, send what is due. One function, one transaction.

Whoever queues a message returns it, and puts it under `claim` if one is given: its owner sends it after the commit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import random
from typing import Final
from uuid import UUID, uuid4

from chassis.consumer import InboxRow
from chassis.database import Database, Transaction
from contracts.base import Event
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingErased,
    BookingNoShow,
    BookingRescheduled,
    CitizenContact,
    SlotOffered,
    WaitingJoined,
)
from contracts.casework import CaseAborted, CaseCompleted
from contracts.notify import Delivered, Failed, MessageKind
from contracts.offices import Offices
from contracts.payment import PaymentCaptured, PaymentRefunded
from contracts.text import Language
from notify import booked, contexts, sending, store
from notify.contexts import appointment, cancelled, completed, listed, moved, offered, paid, refunded
from notify.errors import UnknownRecipient
from notify.model import LINKED, Claim, Context, Message, Planned, Standing, Trouble, fixed_id, next_try, reminders
from notify.tables import Recipient

#: Longer than the SMTP client's own limit, so that no second sender takes a message that is still being sent.
LEASE: Final = timedelta(seconds=90)
BATCH: Final = 20


async def confirm_booking(
    offices: Offices,
    tx: Transaction,
    event: BookingCompleted,
    cause: UUID,
    now: datetime,
    claim: Claim | None = None,
) -> Message | None:
    """Queue the confirmation with the video link and plan the reminders, unless the appointment has moved or is off."""
    context = contexts.booked(event)
    if event.channel == "waiting_list":  # what they waited for: that they wait is not true any more
        await store.serialise(tx, event.appointment_id)
        await store.drop_unsent(tx, event.appointment_id, ("waiting_list",), cause, now)
    standing = await _remember(tx, event, generation=event.link_generation, appointment=context)
    if not standing or not standing.still_good(event.link_generation):
        return None
    walks_in = event.channel == "walk_in"  # who comes without an appointment is there already
    planned = None if walks_in else _planned(offices, event, standing, now)
    return await _queue(
        tx, "confirmation", event, event.citizen, context, cause, now, claim, standing=standing, planned=planned
    )


def confirmation(event: BookingCompleted, cause: UUID, now: datetime, claim: Claim | None) -> Message:
    """The confirmation as it is sent if nothing is known of the appointment but `event`."""
    return _message("confirmation", event, event.citizen, contexts.booked(event), cause, now, claim)


async def confirm_at_once(
    offices: Offices,
    tx: Transaction,
    event: BookingCompleted,
    message: Message,
    now: datetime,
    claim: Claim | None,
    inbox: InboxRow,
) -> booked.Confirmed:
    """As `confirm_booking` for a `confirmation`, in one statement with its row of the inbox."""
    walks_in = event.channel == "walk_in"
    planned = None if walks_in else _planned(offices, event, Standing(event.link_generation, over=False), now)
    return await booked.confirm(tx, event, message, claim, planned, inbox)


async def tell_move(
    offices: Offices,
    tx: Transaction,
    event: BookingRescheduled,
    cause: UUID,
    now: datetime,
    claim: Claim | None = None,
) -> Message | None:
    """Queue the mail with the new time and the new link, and plan the reminders anew.

    What is unsent of the old ones would only confuse.
    """
    await store.serialise(tx, event.appointment_id)
    context = moved(event)
    standing = await _remember(tx, event, generation=event.link_generation, appointment=context)
    if not standing or not standing.still_good(event.link_generation):
        return None
    await store.drop_unsent(tx, event.appointment_id, LINKED, cause, now)
    planned = _planned(offices, event, standing, now)
    return await _queue(
        tx, "rescheduled", event, event.citizen, context, cause, now, claim, standing=standing, planned=planned
    )


async def tell_cancellation(
    tx: Transaction, event: BookingCancelled, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that an appointment is off; mails with its link that are still unsent are not sent any more."""
    await store.serialise(tx, event.appointment_id)
    standing = await _remember(tx, event, over=True)
    if standing is None:
        return None
    await store.drop_unsent(tx, event.appointment_id, LINKED, cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())
    context = cancelled(event, standing.newest_generation)
    return await _queue(tx, "cancellation", event, event.citizen, context, cause, now, claim, standing=standing)


async def tell_no_show(
    tx: Transaction, event: BookingNoShow, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the friendly mail to somebody who did not come."""
    await store.serialise(tx, event.appointment_id)
    standing = await _remember(tx, event, over=True)
    if standing is None:
        return None
    await store.drop_unsent(tx, event.appointment_id, LINKED, cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())
    context = appointment(event)
    return await _queue(tx, "no_show", event, event.citizen, context, cause, now, claim, standing=standing)


async def offer_slot(
    tx: Transaction, event: SlotOffered, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the offer of an earlier slot. It is worth sending until it expires, and as long as the person is known."""
    await store.serialise(tx, event.appointment_id)
    recipient = await store.recipient(tx, event.appointment_id)
    if recipient and (recipient.erased_at or recipient.over):
        return None
    context = offered(event, recipient.reference if recipient else None)
    citizen = event.citizen
    if recipient and recipient.corrected_email:
        citizen = citizen.model_copy(update={"email": recipient.corrected_email})
    return await _queue(tx, "slot_offer", event, citizen, context, cause, now, claim, valid_until=event.expires_at)


async def welcome_to_the_list(
    tx: Transaction, event: WaitingJoined, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that somebody is on the waiting list, with the way out; unless they left or got an appointment."""
    await store.serialise(tx, event.appointment_id)
    if await store.recipient(tx, event.appointment_id) is not None:
        return None
    context = listed(event)
    return await _queue(tx, "waiting_list", event, event.citizen, context, cause, now, claim, valid_until=event.ends_at)


async def forget(tx: Transaction, event: BookingErased, _: UUID, __: datetime, ___: Claim | None = None) -> None:
    """Erase whom we wrote to and what (GDPR Art. 17). That a message of some kind went out, and when, stays."""
    await store.serialise(tx, event.appointment_id)
    await store.erase(tx, event.appointment_id, event.office, event.erased_at)


async def say_goodbye(
    tx: Transaction, event: CaseCompleted, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that the matter is done. Nobody is reminded of it any more."""
    standing = await _remember(tx, event, settled=True)
    if standing is None:
        return None
    await store.drop_unsent(tx, event.appointment_id, ("reminder",), cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())
    context = completed(event)
    return await _queue(tx, "completion", event, event.citizen, context, cause, now, claim, standing=standing)


async def stop_reminding(
    tx: Transaction, event: CaseAborted, cause: UUID, now: datetime, _: Claim | None = None
) -> None:
    """The matter was given up: nobody is reminded of it. Raises UnknownRecipient while the booking has not arrived."""
    if not await store.settle(tx, event.appointment_id, event.office):
        raise UnknownRecipient(str(event.appointment_id))
    await store.drop_unsent(tx, event.appointment_id, ("reminder",), cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())


async def send_receipt(
    tx: Transaction, event: PaymentCaptured, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the receipt. Raises UnknownRecipient while the booking has not arrived."""
    recipient = await _payer(tx, event)
    if recipient is None:
        return None
    context = paid(event, recipient.reference, recipient.name)
    return await _queue(tx, "receipt", event, contact(recipient), context, cause, now, claim)


async def tell_refund(
    tx: Transaction, event: PaymentRefunded, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that money was given back. Raises UnknownRecipient while the booking has not arrived."""
    recipient = await _payer(tx, event)
    if recipient is None:
        return None
    context = refunded(event, recipient.reference, recipient.name)
    return await _queue(tx, "refund", event, contact(recipient), context, cause, now, claim)


def contact(recipient: Recipient) -> CitizenContact:
    """Whom to write to, by what is known."""
    language: Language = "en" if recipient.language == "en" else "de"
    return CitizenContact(
        name=recipient.name,
        email=recipient.address,
        language=language,
        time_zone=recipient.time_zone,
        phone=recipient.phone,
        plain_language=recipient.plain_language,
    )


async def _payer(tx: Transaction, event: PaymentCaptured | PaymentRefunded) -> Recipient | None:
    """Whose payment it was, which names nobody; None once they are forgotten. Raises UnknownRecipient."""
    recipient = await store.recipient(tx, event.appointment_id)
    if recipient is None:
        raise UnknownRecipient(str(event.appointment_id))
    return None if recipient.erased_at else recipient


async def _remember(
    tx: Transaction,
    event: BookingCompleted | BookingRescheduled | BookingCancelled | BookingNoShow | CaseCompleted,
    *,
    generation: int = 0,
    over: bool = False,
    settled: bool = False,
    appointment: Context | None = None,
) -> Standing | None:
    return await store.remember(
        tx,
        event.appointment_id,
        event.office,
        event.reference,
        event.citizen,
        generation=generation,
        over=over,
        settled=settled,
        appointment=appointment,
        ends_at=event.completed_at if isinstance(event, CaseCompleted) else event.ends_at,
    )


def _planned(
    offices: Offices, event: BookingCompleted | BookingRescheduled, standing: Standing, now: datetime
) -> list[Planned]:
    office = offices.get(event.office)
    before = office.notify.reminder_minutes if office and not standing.settled else ()
    return reminders(event.appointment_id, event.link_generation, event.starts_at, before, now)


async def _queue(
    tx: Transaction,
    kind: MessageKind,
    event: Event,
    citizen: CitizenContact,
    context: Context,
    cause: UUID,
    now: datetime,
    claim: Claim | None,
    *,
    standing: Standing | None = None,
    valid_until: datetime | None = None,
    planned: Sequence[Planned] | None = None,
) -> Message | None:
    known: dict[str, object] = {}
    if standing and standing.corrected_email:
        known["email"] = standing.corrected_email
    if standing and standing.plain_language:  # casework does not know how they want to be written to
        known["plain_language"] = True
    addressed = citizen.model_copy(update=known) if known else citizen
    message = _message(kind, event, addressed, context, cause, now, claim, valid_until=valid_until)
    return message if await store.add(tx, message, claim, planned=planned) else None


def _message(
    kind: MessageKind,
    event: Event,
    citizen: CitizenContact,
    context: Context,
    cause: UUID,
    now: datetime,
    claim: Claim | None,
    *,
    valid_until: datetime | None = None,
) -> Message:
    return Message(
        id=fixed_id(kind, cause),
        office=event.office,
        appointment_id=event.appointment_id,
        kind=kind,
        cause=cause,
        recipient=citizen.email,
        language=citizen.language,
        context=context,
        created_at=now,
        tries=1 if claim else 0,
        valid_until=valid_until,
        plain_language=citizen.plain_language,
    )


async def claim_due(database: Database, now: datetime, *, by: UUID | None = None, limit: int = BATCH) -> list[Message]:
    """Take what is due, for the sender `by` alone and for LEASE. What is worthless by now is dropped."""
    async with database.autocommit() as tx:
        return await sending.claim(tx, now, Claim(by or uuid4(), now + LEASE), limit)


async def give_back(database: Database, message: Message, now: datetime) -> None:
    """Let a claimed message that was not tried be due again."""
    async with database.autocommit() as tx:
        await sending.give_back(tx, message.id, now)


async def settle_delivered(database: Database, message: Message, now: datetime) -> None:
    """Note that the mail server took `message`, and tell it; a short message beside a mail is news to nobody."""
    async with database.autocommit() as tx:
        told = Delivered(
            office=message.office, appointment_id=message.appointment_id, kind=message.kind, cause=message.cause, at=now
        )
        row = tx.outbox_row(told, actor="system:notify")[0] if message.channel == "mail" else None
        await sending.note_delivered(tx, message.id, now, row)


async def settle_trouble(database: Database, message: Message, trouble: Trouble, now: datetime) -> None:
    """Plan another try of `message`, or give it up and tell it."""
    async with database.transaction() as tx:
        again = next_try(trouble, message.tries, now, spread=random())  # noqa: S311 - no secret
        if again is not None:
            await sending.postpone(tx, message.id, trouble, again)
        elif await sending.mark_failed(tx, message.id, trouble, now) and message.channel == "mail":
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
