"""Who did not come, and who came after all. Words about it arrive in any order: the latest holds."""

from datetime import datetime
from uuid import UUID

from chassis.database import Transaction
from contracts.booking import BookingNoShow, BookingResumed
from contracts.casework import CaseAborted
from notify import store
from notify.contexts import appointment
from notify.errors import UnknownRecipient
from notify.model import LINKED, Claim, Letter, Message
from notify.usecases import queue, remember


async def tell_no_show(
    tx: Transaction, event: BookingNoShow, cause: UUID, now: datetime, claim: Claim | None = None
) -> Message | None:
    """Queue the friendly mail to somebody who did not come."""
    await store.serialise(tx, event.appointment_id)
    if await store.tell_absence(tx, event.appointment_id, event.office, event.marked_at) is False:
        return None
    standing = await remember(tx, event, over=True)
    if standing is None:
        return None
    await store.tell_absence(tx, event.appointment_id, event.office, event.marked_at)
    await store.drop_unsent(tx, event.appointment_id, LINKED, cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())
    context = appointment(event)
    return await queue(tx, event, Letter("no_show", event.citizen, context), cause, now, claim, standing=standing)


async def welcome_back(tx: Transaction, event: BookingResumed, cause: UUID, now: datetime) -> None:
    """Somebody came after all: what they would be told of having missed is not sent, and they are written to again.

    Raises UnknownRecipient while the booking has not arrived.
    """
    latest = await store.tell_absence(tx, event.appointment_id, event.office, event.resumed_at, here=True)
    if latest is None:
        raise UnknownRecipient(str(event.appointment_id))
    if latest:
        await store.drop_unsent(tx, event.appointment_id, ("no_show",), cause, now)


async def stop_reminding(tx: Transaction, event: CaseAborted, cause: UUID, now: datetime) -> None:
    """The matter was given up: nobody is reminded of it. Raises UnknownRecipient while the booking has not arrived."""
    absent = event.reason == "citizen_absent"
    if absent and await store.tell_absence(tx, event.appointment_id, event.office, event.aborted_at) is False:
        return
    if not await store.settle(tx, event.appointment_id, event.office):
        raise UnknownRecipient(str(event.appointment_id))
    await store.drop_unsent(tx, event.appointment_id, ("reminder",), cause, now)
    await store.plan_reminders(tx, event.appointment_id, ())
