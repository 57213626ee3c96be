"""The bus door: how an appointment ended."""

from booking import usecases
from chassis.consumer import Consumer
from chassis.database import Transaction
from contracts.base import Meta
from contracts.casework import CaseAborted, CaseCompleted


async def case_completed(tx: Transaction, event: CaseCompleted, meta: Meta) -> None:
    """The matter is finished."""
    await usecases.finish(tx, event.office, event.appointment_id, "completed", event.completed_at)


async def case_aborted(tx: Transaction, event: CaseAborted, meta: Meta) -> None:
    """The matter could not be finished in the call."""
    await usecases.finish(tx, event.office, event.appointment_id, "aborted", event.aborted_at)


CONSUMERS = (Consumer(CaseCompleted, case_completed), Consumer(CaseAborted, case_aborted))
