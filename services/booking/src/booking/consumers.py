"""The bus door: when the call took place, and how the appointment ended."""

from booking.appointments import store, usecases
from chassis.consumer import Consumer
from chassis.database import Transaction
from contracts.base import Meta
from contracts.casework import CaseAborted, CaseCompleted
from contracts.signaling import CallEnded, CallStarted


async def case_completed(tx: Transaction, event: CaseCompleted, meta: Meta) -> None:
    """The matter is finished."""
    await usecases.finish(tx, event.office, event.appointment_id, "completed", event.completed_at)


async def case_aborted(tx: Transaction, event: CaseAborted, meta: Meta) -> None:
    """The matter could not be finished in the call, or nobody came."""
    if event.reason == "citizen_absent":
        actor = meta.actor or "system:casework"
        await usecases.nobody_came(tx, event.office, event.appointment_id, actor=actor, at=event.aborted_at)
    else:
        await usecases.finish(tx, event.office, event.appointment_id, "aborted", event.aborted_at)


async def call_started(tx: Transaction, event: CallStarted, meta: Meta) -> None:
    """Both are in the call: the waiting is over."""
    await store.call_began(tx, event.office, event.appointment_id, event.started_at)


async def call_ended(tx: Transaction, event: CallEnded, meta: Meta) -> None:
    """How long they talked: what estimates of waiting are made of."""
    await store.call_took(tx, event.office, event.appointment_id, event.seconds)


CONSUMERS = (
    Consumer(CaseCompleted, case_completed),
    Consumer(CaseAborted, case_aborted),
    Consumer(CallStarted, call_started),
    Consumer(CallEnded, call_ended),
)
