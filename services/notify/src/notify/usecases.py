"""What notify does: queue a message for an event, send what is due. One function, one transaction.

Whoever queues a message returns it, and puts it under `claim` if one is given: its owner sends it after the commit.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from random import random
from typing import Final
from uuid import UUID, uuid4

from chassis.consumer import InboxRow
from chassis.database import Database, Transaction
from contracts.base import AppointmentEvent
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingContactChanged,
    BookingErased,
    BookingNoShow,
    BookingRescheduled,
    CitizenContact,
    SlotOffered,
    WaitingEnded,
    WaitingJoined,
)
from contracts.casework import CaseCompleted
from contracts.ids import AppointmentId
from contracts.notify import Delivered, Failed
from contracts.offices import Offices
from contracts.payment import PaymentCaptured, PaymentRefunded
from notify import confirmation_sql, contexts, sending, store
from notify.contexts import cancelled, completed, listed, moved, offered, paid, papers, refunded
from notify.errors import UnknownRecipient
from notify.model import (
    LINKED,
    Claim,
    Context,
    Letter,
    Message,
    Planned,
    Returned,
    Standing,
    Told,
    Trouble,
    Waking,
    fixed_id,
    next_try,
    reminders,
)
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
    standing = await remember(tx, event, generation=event.link_generation, appointment=context)
    if not standing or not standing.still_good(event.link_generation):
        return None
    walks_in = event.channel == "walk_in"  # who comes without an appointment is there already
    planned = None if walks_in else reminders_of(offices, event, standing, now)
    return await queue(
        tx, event, Letter("confirmation", event.citizen, context, planned=planned), cause, now, claim, standing=standing
    )


def confirmation(event: BookingCompleted, cause: UUID, now: datetime, claim: Claim | None) -> Message:
    """The confirmation as it is sent if nothing is known of the appointment but `event`."""
    return _message(event, Letter("confirmation", event.citizen, contexts.booked(event)), cause, now, claim)


async def confirm_at_once(
    offices: Offices,
    tx: Transaction,
    event: BookingCompleted,
    message: Message,
    now: datetime,
    claim: Claim | None,
    inbox: InboxRow,
) -> confirmation_sql.Confirmed:
    """As `confirm_booking` for a `confirmation`, in one statement with its row of the inbox."""
    walks_in = event.channel == "walk_in"
    planned = None if walks_in else reminders_of(offices, event, Standing(event.link_generation, over=False), now)
    return await confirmation_sql.confirm(tx, event, message, claim, planned, inbox)


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
    standing = await remember(tx, event, generation=event.link_generation, appointment=context)
    if not standing or not standing.still_good(event.link_generation):
        return None
    await store.drop_unsent(tx, event.appointment_id, LINKED, cause, now)
    planned = reminders_of(offices, event, standing, now)
    return await queue(
        tx, event, Letter("rescheduled", event.citizen, context, planned=planned), cause, now, claim, standing=standing
    )


async def tell_cancellation(
    tx: Transaction, event: BookingCancelled, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that an appointment is off, unless it is `quiet`; unsent mails with its link go no more."""
    await store.serialise(tx, event.appointment_id)
    standing = await remember(tx, event, over=True)
    if standing is None:
        return None
    await store.drop_unsent(tx, event.appointment_id, LINKED, cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())
    if event.quiet:
        return None
    context = cancelled(event, standing.newest_generation)
    return await queue(tx, event, Letter("cancellation", event.citizen, context), cause, now, claim, standing=standing)


async def offer_slot(
    tx: Transaction, event: SlotOffered, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the offer of an earlier slot. It is worth sending until it expires, and as long as the person is known."""
    await store.serialise(tx, event.appointment_id)
    recipient = await store.recipient(tx, event.appointment_id)
    if recipient and (recipient.erased_at or recipient.over or 0 < event.link_generation < recipient.link_generation):
        return None  # or its link was replaced with the appointment's
    context = offered(event, recipient.reference if recipient else None)
    citizen = as_corrected(event.citizen, recipient)
    return await queue(
        tx, event, Letter("slot_offer", citizen, context, valid_until=event.expires_at), cause, now, claim
    )


async def welcome_to_the_list(
    tx: Transaction, event: WaitingJoined, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that somebody is on the waiting list, with the way out; unless they left or got an appointment."""
    await store.serialise(tx, event.appointment_id)
    if await store.recipient(tx, event.appointment_id) is not None:
        return None
    context = listed(event)
    return await queue(
        tx, event, Letter("waiting_list", event.citizen, context, valid_until=event.ends_at), cause, now, claim
    )


async def tell_waiting_is_over(
    tx: Transaction, event: WaitingEnded, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that somebody is on the waiting list no more, and why; unless they are forgotten."""
    await store.serialise(tx, event.appointment_id)
    recipient = await store.recipient(tx, event.appointment_id)
    if recipient and (recipient.erased_at or recipient.over):
        return None
    await store.drop_unsent(tx, event.appointment_id, ("waiting_list", "slot_offer"), cause, now)
    citizen = as_corrected(event.citizen, recipient)
    return await queue(tx, event, Letter("waiting_over", citizen, contexts.waiting_ended(event)), cause, now, claim)


async def forget(tx: Transaction, event: BookingErased) -> None:
    """Erase whom we wrote to and what (GDPR Art. 17). That a message of some kind went out, and when, stays."""
    await store.serialise(tx, event.appointment_id)
    await store.erase(tx, event.appointment_id, event.office, event.erased_at)


async def say_goodbye(
    tx: Transaction, event: CaseCompleted, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that the matter is done. Nobody is reminded of it any more."""
    standing = await remember(tx, event, settled=True)
    if standing is None:
        return None
    await store.drop_unsent(tx, event.appointment_id, ("reminder",), cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())
    recipient = await store.recipient(tx, event.appointment_id)
    context = completed(event) | papers(recipient.appointment if recipient else None)
    return await queue(tx, event, Letter("completion", event.citizen, context), cause, now, claim, standing=standing)


async def send_receipt(
    tx: Transaction, event: PaymentCaptured, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the receipt. Raises UnknownRecipient while the booking has not arrived."""
    recipient = await _payer(tx, event)
    if recipient is None:
        return None
    context = paid(event, recipient.reference, recipient.name) | papers(recipient.appointment)
    return await queue(tx, event, Letter("receipt", contact(recipient), context), cause, now, claim)


async def tell_refund(
    tx: Transaction, event: PaymentRefunded, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that money was given back. Raises UnknownRecipient while the booking has not arrived."""
    recipient = await _payer(tx, event)
    if recipient is None:
        return None
    context = refunded(event, recipient.reference, recipient.name)
    return await queue(tx, event, Letter("refund", contact(recipient), context), cause, now, claim)


def contact(recipient: Recipient) -> CitizenContact:
    """Whom to write to, by what is known."""
    return CitizenContact(
        name=recipient.name,
        email=recipient.address,
        language="en" if recipient.language == "en" else "de",
        time_zone=recipient.time_zone,
        phone=recipient.phone,
        plain_language=recipient.plain_language,
    )


def as_corrected(citizen: CitizenContact, recipient: Recipient | None) -> CitizenContact:
    """`citizen` with the address that was corrected since, if one was."""
    correction = recipient.correction if recipient else None
    return citizen.model_copy(update={"email": correction}) if correction else citizen


async def _payer(tx: Transaction, event: PaymentCaptured | PaymentRefunded) -> Recipient | None:
    """Whose payment it was, which names nobody; None once they are forgotten. Raises UnknownRecipient."""
    recipient = await store.recipient(tx, event.appointment_id)
    if recipient is None:
        raise UnknownRecipient(str(event.appointment_id))
    return None if recipient.erased_at else recipient


async def remember(
    tx: Transaction,
    event: BookingCompleted
    | BookingRescheduled
    | BookingContactChanged
    | BookingCancelled
    | BookingNoShow
    | CaseCompleted,
    *,
    generation: int = 0,
    over: bool = False,
    settled: bool = False,
    appointment: Context | None = None,
) -> Standing | None:
    """Keep whom to write to, as `event` says; how the appointment stands now, or None when it was erased."""
    told = Told(
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
    return await store.remember(tx, told)


def reminders_of(
    offices: Offices,
    event: BookingCompleted | BookingRescheduled | BookingContactChanged,
    standing: Standing,
    now: datetime,
) -> list[Planned]:
    """The reminders that are still to come, as the office wants them; none once the matter is settled."""
    if standing.settled:
        return []
    return wanted_reminders(offices, event.office, event.appointment_id, event.link_generation, event.starts_at, now)


def wanted_reminders(
    offices: Offices, of: str, appointment_id: AppointmentId, generation: int, starts_at: datetime, now: datetime
) -> list[Planned]:
    """What the office's settings plan for an appointment; nothing for an office that is gone."""
    office = offices.get(of)
    if office is None:
        return []
    waking = Waking(*office.notify.reminder_hours, office.zone)
    return reminders(appointment_id, generation, starts_at, office.notify.reminder_minutes, now, waking=waking)


async def queue(
    tx: Transaction,
    event: AppointmentEvent,
    letter: Letter,
    cause: UUID,
    now: datetime,
    claim: Claim | None,
    *,
    standing: Standing | None = None,
) -> Message | None:
    """Queue `letter`, to the address that was corrected if one was; None if `cause` has had one of its kind."""
    known: dict[str, object] = {}
    if standing and standing.corrected_email:
        known["email"] = standing.corrected_email
    if standing and standing.plain_language:  # casework does not know how they want to be written to
        known["plain_language"] = True
    if known:
        letter = replace(letter, citizen=letter.citizen.model_copy(update=known))
    message = _message(event, letter, cause, now, claim)
    return message if await store.add(tx, message, claim, planned=letter.planned) else None


def _message(event: AppointmentEvent, letter: Letter, cause: UUID, now: datetime, claim: Claim | None) -> Message:
    return Message(
        id=fixed_id(letter.kind, cause),
        office=event.office,
        appointment_id=event.appointment_id,
        kind=letter.kind,
        cause=cause,
        recipient=letter.citizen.email,
        language=letter.citizen.language,
        context=letter.context,
        created_at=now,
        tries=1 if claim else 0,
        valid_until=letter.valid_until,
        plain_language=letter.citizen.plain_language,
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
            await _tell_failure(tx, message, trouble, now)


async def settle_return(database: Database, message_id: UUID, trouble: Trouble, now: datetime) -> None:
    """The mail server took a mail, and another one on the way gave it back: it failed after all, and that is told."""
    async with database.transaction() as tx:
        returned = await sending.mark_returned(tx, message_id, trouble, now)
        if returned is not None:
            await _tell_failure(tx, returned, trouble, now)


async def _tell_failure(tx: Transaction, message: Message | Returned, trouble: Trouble, now: datetime) -> None:
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
