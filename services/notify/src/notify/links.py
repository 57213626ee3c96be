"""How links find the right person: the question whether an address is theirs, and a link that was lost."""

from datetime import datetime
from uuid import UUID

from chassis.database import Transaction
from contracts.booking import ConfirmationAsked, LinkAsked
from notify import contexts, store
from notify.model import Claim, Letter, Message
from notify.usecases import as_corrected, queue


async def ask_to_confirm(
    tx: Transaction, event: ConfirmationAsked, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the mail that asks whether the address is theirs, worth sending while the time is kept.

    None once there is an appointment, or nobody any more.
    """
    await store.serialise(tx, event.appointment_id)
    if await store.recipient(tx, event.appointment_id) is not None:
        return None
    context = contexts.asked_to_confirm(event)
    valid_until = event.expires_at
    return await queue(
        tx, event, Letter("confirm_address", event.citizen, context, valid_until=valid_until), cause, now, claim
    )


async def send_link_again(
    tx: Transaction, event: LinkAsked, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the link that somebody has lost, to the address on record; unless they are forgotten or it is dead."""
    await store.serialise(tx, event.appointment_id)
    recipient = await store.recipient(tx, event.appointment_id)
    if recipient and (recipient.erased_at or event.link_generation < recipient.link_generation):
        return None
    citizen = as_corrected(event.citizen, recipient)
    return await queue(tx, event, Letter("link", citizen, contexts.link_again(event)), cause, now, claim)
