"""Whether somebody wants reminders of their appointment. The choices arrive in any order: the latest holds."""

from datetime import datetime
from uuid import UUID

from chassis.database import Transaction
from contracts.booking import RemindersChosen
from notify import store
from notify.errors import UnknownRecipient


async def choose_reminders(tx: Transaction, event: RemindersChosen, cause: UUID, now: datetime) -> None:
    """Somebody wants reminders of their appointment no more, or again; what waits to be sent is dropped.

    Plans are left as they are: what is declined is known when one is due, so that no move and no setting forgets it,
    and who wants them again gets those to come. Raises UnknownRecipient while the booking has not arrived.
    """
    await store.serialise(tx, event.appointment_id)
    latest = await store.choose_reminders(tx, event)
    if latest is None:
        raise UnknownRecipient(str(event.appointment_id))
    if latest and not event.wanted:
        await store.drop_unsent(tx, event.appointment_id, ("reminder",), cause, now)
