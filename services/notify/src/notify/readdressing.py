"""Somebody is written to at another address: what was lost goes there, and nothing more to the one before."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from chassis.database import Transaction
from contracts.booking import BookingContactChanged
from contracts.notify import MessageKind
from contracts.offices import Offices
from notify import contexts, correcting, store, usecases
from notify.model import LINKED, Claim, Letter, Message

#: What is still worth reading when all is over: without it nobody has a receipt.
LASTING: Final[tuple[MessageKind, ...]] = ("completion", "receipt", "refund", "cancellation", "no_show")

#: So long after its end an appointment may still be under way; later nobody comes to it any more.
STILL_RUNNING: Final = timedelta(hours=2)


async def write_elsewhere(
    offices: Offices,
    tx: Transaction,
    event: BookingContactChanged,
    cause: UUID,
    now: datetime,
    claim: Claim | None = None,
) -> Message | None:
    """Write to the corrected address from now on, and queue a confirmation with the link that is good.

    Mails with the old link are not sent any more, others that wait go to the new address. What went astray before is
    sent once more, a receipt for one. When all is over the link is written by itself, unless one of those brings it or
    it is dead.
    Of two corrections the later one holds, whichever came first.
    """
    await store.serialise(tx, event.appointment_id)
    if await correcting.corrected_later(tx, event):
        return None
    context = contexts.readdressed(event)
    standing = await usecases.remember(tx, event, generation=event.link_generation, appointment=context)
    if standing is None:
        return None
    await correcting.correct_contact(tx, event)
    if event.link_generation < standing.newest_generation:
        return None  # what came with the newer link says where to write, and has told it
    email, generation = event.citizen.email, event.link_generation
    await store.drop_unsent(tx, event.appointment_id, LINKED, cause, now, keep_offers_of=generation)
    await correcting.redirect(tx, event, now)
    for lost in await correcting.gone_astray(tx, event, LASTING):
        await store.add(tx, lost.again(uuid5(cause, str(lost.cause)), email, context, now))
    await correcting.drop_on_the_wire(tx, event, now)
    # What was known of a correction before is older than this.
    standing = replace(standing, corrected_email=None)
    if standing.over or standing.settled or now >= event.ends_at + STILL_RUNNING:
        if await correcting.called_off(tx, event.appointment_id) or await correcting.brings_the_link(tx, event):
            return None
        return await usecases.queue(
            tx, event, Letter("link", event.citizen, context), cause, now, claim, standing=standing
        )
    planned = () if event.channel == "walk_in" else usecases.reminders_of(offices, event, standing, now)
    return await usecases.queue(
        tx, event, Letter("confirmation", event.citizen, context, planned=planned), cause, now, claim, standing=standing
    )
