"""The bus door: who is there, when the call took place, how the appointment ended, which question came back."""

from booking.appointments import endings, store
from booking.confirming import store as confirming
from booking.walkin import presence
from chassis.consumer import Consumer
from chassis.database import Transaction
from contracts.base import Meta
from contracts.casework import CaseAborted, CaseCompleted
from contracts.notify import Failed
from contracts.signaling import CallEnded, CallStarted, ClerksPresent, ParticipantLeft, ParticipantWaiting


async def case_completed(tx: Transaction, event: CaseCompleted, meta: Meta) -> None:
    """The matter is finished."""
    await endings.finish(tx, event.office, event.appointment_id, "completed", event.completed_at)


async def case_aborted(tx: Transaction, event: CaseAborted, meta: Meta) -> None:
    """The matter could not be finished in the call, or nobody came."""
    if event.reason == "citizen_absent":
        actor = meta.actor or "system:casework"
        await endings.nobody_came(tx, event.office, event.appointment_id, actor=actor, at=event.aborted_at)
    else:
        await endings.finish(tx, event.office, event.appointment_id, "aborted", event.aborted_at)


async def call_started(tx: Transaction, event: CallStarted, meta: Meta) -> None:
    """Both are in the call: the waiting is over."""
    await store.call_began(tx, event.office, event.appointment_id, event.started_at)


async def call_ended(tx: Transaction, event: CallEnded, meta: Meta) -> None:
    """How long they talked: what estimates of waiting are made of."""
    await store.call_took(tx, event.office, event.appointment_id, event.seconds)


async def clerks_present(tx: Transaction, event: ClerksPresent, meta: Meta) -> None:
    """Which clerks could call somebody from the queue."""
    await presence.heard(tx, event.office, event.clerks, event.at)


async def participant_waiting(tx: Transaction, event: ParticipantWaiting, meta: Meta) -> None:
    """The citizen is there: nobody says now that they did not come."""
    if event.role == "citizen":
        await store.citizen_seen(tx, event.office, event.appointment_id, meta.time, here=True)


async def participant_left(tx: Transaction, event: ParticipantLeft, meta: Meta) -> None:
    """The citizen has gone, for longer than a reconnect takes."""
    if event.role == "citizen":
        await store.citizen_seen(tx, event.office, event.appointment_id, meta.time, here=False)


async def mail_failed(tx: Transaction, event: Failed, meta: Meta) -> None:
    """The question whether an address is theirs did not arrive: the page of who has booked says so."""
    if event.kind == "confirm_address":
        await confirming.question_returned(tx, event.office, event.appointment_id, event.cause)


CONSUMERS = (
    Consumer(CaseCompleted, case_completed),
    Consumer(CaseAborted, case_aborted),
    Consumer(ParticipantWaiting, participant_waiting),
    Consumer(ParticipantLeft, participant_left),
    Consumer(CallStarted, call_started),
    Consumer(CallEnded, call_ended),
    Consumer(ClerksPresent, clerks_present),
    Consumer(Failed, mail_failed),
)
