"""The worker that turns due reminders into messages."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database, Transaction
from contracts.ids import AppointmentId, OfficeSlug
from contracts.offices import Offices
from notify import store
from notify.model import Message, fixed_id
from notify.tables import Reminder
from notify.usecases import contact, wanted_reminders

EVERY_SECONDS: Final = 5.0
BATCH: Final = 100


async def run(offices: Offices, database: Database, clock: Clock, wake: Callable[[], None], *, sms: bool) -> None:
    """Queue what is due, every five seconds, until cancelled. Several replicas may: each takes other rows.

    First what is planned is brought in line with the offices' files, which are read at the start.
    """
    await plan_anew(offices, database, clock())
    while True:
        while await remind(database, clock(), wake, sms=sms) == BATCH:
            continue
        await asyncio.sleep(EVERY_SECONDS)


async def plan_anew(offices: Offices, database: Database, now: datetime) -> None:
    """Plan the reminders of all appointments to come as the offices want them now: their files may have changed."""
    for office in offices:
        after: UUID | None = None
        while True:
            async with database.transaction() as tx:
                rows = await store.to_be_reminded(tx, OfficeSlug(office), now, after, BATCH)
                for row in rows:
                    appointment_id = AppointmentId(row["appointment_id"])
                    starts_at = datetime.fromisoformat(row["appointment"]["starts_at"])
                    planned = wanted_reminders(offices, office, appointment_id, row["link_generation"], starts_at, now)
                    await store.plan_reminders(tx, appointment_id, planned)
            if len(rows) < BATCH:
                break
            after = rows[-1]["appointment_id"]


async def remind(database: Database, now: datetime, wake: Callable[[], None], *, sms: bool = False) -> int:
    """Turn due reminders into messages, in one transaction; how many were due. With `sms` to telephones, too.

    One that has become worthless while nobody was here, whose appointment is over, or that is not wanted, is left out.
    """
    async with database.transaction() as tx:
        due = await store.take_due_reminders(tx, now, BATCH)
        for reminder in due:
            await _queue(tx, reminder, now, sms=sms)
        if due:
            tx.after_commit(wake)
    return len(due)


async def _queue(tx: Transaction, reminder: Reminder, now: datetime, *, sms: bool) -> None:
    recipient = await store.recipient(tx, AppointmentId(reminder.appointment_id))
    if recipient is None or recipient.appointment is None or recipient.over or recipient.settled:
        return
    if recipient.erased_at or recipient.reminders_declined or reminder.valid_until <= now:
        return
    citizen = contact(recipient)
    message = Message(
        id=fixed_id("reminder", reminder.id),
        office=OfficeSlug(recipient.office),
        appointment_id=AppointmentId(reminder.appointment_id),
        kind="reminder",
        cause=reminder.id,
        recipient=citizen.email,
        language=citizen.language,
        context=recipient.context,
        created_at=now,
        tries=0,
        valid_until=reminder.valid_until,
        plain_language=citizen.plain_language,
    )
    await store.add(tx, message)
    if sms and citizen.phone:
        sms_id = fixed_id("reminder", reminder.id, "sms")
        await store.add(tx, replace(message, id=sms_id, recipient=citizen.phone, channel="sms"))
