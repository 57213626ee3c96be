"""What clerks do with a case. One function is one transaction; what the room shows is announced with the change."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from functools import partial
from uuid import UUID

from casework.applications.naming import title
from casework.cases import store
from casework.cases.identity import IdentityCheck
from casework.cases.model import SYSTEM, Case
from casework.directory import Directory
from casework.metrics import CALL_TO_DONE_SECONDS, STAGE_SECONDS
from chassis.database import Row, Transaction
from contracts.actors import Clerk
from contracts.booking import CitizenContact
from contracts.casework import (
    AbortReason,
    CaseAborted,
    CaseCompleted,
    PaymentItem,
    PaymentRequested,
    Stage,
    StageChanged,
)


@asynccontextmanager
async def changing(tx: Transaction, case: Case, *, actor: str = SYSTEM) -> AsyncIterator[Case]:
    """Store what the block changes in `case`, and tell the room when it shows."""
    before, shown = case.revision, case.stage
    yield case
    if case.stage != shown:
        await _time(tx, case, shown)
    await store.save(tx, case)
    if case.revision != before:
        await tx.publish(
            StageChanged(
                office=case.office,
                appointment_id=case.appointment_id,
                case_id=case.case_id,
                stage=case.stage,
                revision=case.revision,
            ),
            actor=actor,
        )


async def _time(tx: Transaction, case: Case, shown: Stage) -> None:
    """Tell how long the step `shown` took that is over now, and with the last one how long the call's work did."""
    began, last = await store.beginnings(tx, case)
    if began is None:  # without a call nobody worked on it
        return
    now = case.facts[-1].at
    took = STAGE_SECONDS.labels(shown)
    tx.after_commit(partial(took.observe, max(0.0, (now - max(began, last or began)).total_seconds())))
    if case.state == "completed":
        call = CALL_TO_DONE_SECONDS.labels(case.office)
        tx.after_commit(partial(call.observe, max(0.0, (now - began).total_seconds())))


async def agenda(
    tx: Transaction, directory: Directory, clerk: Clerk, day: date | None, now: datetime
) -> tuple[date, Sequence[Row]]:
    """The cases of one day of the office's calendar, today by default. A day has 23 or 25 hours when clocks change."""
    zone = directory.office(clerk.office).zone
    day = day or directory.today(clerk.office, now)
    since = datetime.combine(day, time.min, zone)
    until = datetime.combine(day + timedelta(days=1), time.min, zone)
    return day, await store.agenda(tx, clerk, since, until)


async def take(tx: Transaction, clerk: Clerk, case_id: UUID, now: datetime) -> Case:
    """The clerk takes the case. Raises CaseTaken, CaseClosed, NotFound."""
    case = await store.of_clerk(tx, clerk, case_id)
    async with changing(tx, case, actor=clerk.name):
        case.take(clerk, now)
    return case


async def show(tx: Transaction, clerk: Clerk, case_id: UUID, stage: Stage, now: datetime) -> Case:
    """Show the citizen another stage. Raises StepMissing, NotAssigned, CaseClosed, NotFound."""
    case = await store.of_clerk(tx, clerk, case_id)
    async with changing(tx, case, actor=clerk.name):
        case.show(stage, clerk, now)
    return case


async def record_identity(tx: Transaction, clerk: Clerk, case_id: UUID, check: IdentityCheck, now: datetime) -> Case:
    """Record an identity check. Raises NotAssigned, CaseClosed, NotFound."""
    case = await store.of_clerk(tx, clerk, case_id)
    async with changing(tx, case, actor=clerk.name):
        case.record_identity(check, clerk, now)
    return case


async def request_payment(tx: Transaction, directory: Directory, clerk: Clerk, case_id: UUID, now: datetime) -> Case:
    """Ask for the fee; asking again is answered alike. Raises StepMissing, NothingToPay, NotAssigned."""
    case = await store.of_clerk(tx, clerk, case_id)
    items = tuple(
        PaymentItem(
            service_id=application.service_id,
            text=title(directory.service(application.service_id), application),
            amount_cents=application.fee_cents,
        )
        for application in case.applications
        if application.fee_cents
    )
    async with changing(tx, case, actor=clerk.name):
        requested = case.request_payment(tuple(item.model_dump(mode="json") for item in items), clerk, now)
    if requested:
        event = PaymentRequested(
            office=case.office,
            appointment_id=case.appointment_id,
            case_id=case.case_id,
            reference=case.reference,
            items=items,
            amount_cents=case.fee_cents,
            language=case.language,
        )
        await tx.publish(event, actor=clerk.name)
    return case


async def complete(tx: Transaction, clerk: Clerk, case_id: UUID, now: datetime) -> Case:
    """Finish the case; a second time is answered alike. Raises StepMissing naming what has to happen first."""
    case = await store.of_clerk(tx, clerk, case_id)
    async with changing(tx, case, actor=clerk.name):
        completed = case.complete(clerk, now)
    if completed:
        assert case.person is not None, "a person is erased only after the case has ended"
        event = CaseCompleted(
            office=case.office,
            appointment_id=case.appointment_id,
            case_id=case.case_id,
            reference=case.reference,
            services=tuple(dict.fromkeys(application.service_id for application in case.applications)),
            citizen=CitizenContact(
                name=case.person.name,
                email=case.person.email,
                language=case.language,
                time_zone=case.person.time_zone,
                phone=case.person.phone,
            ),
            amount_cents=case.fee_cents,
            completed_at=now,
        )
        await tx.publish(event, actor=clerk.name)
    return case


async def abort(tx: Transaction, clerk: Clerk, case_id: UUID, reason: AbortReason, now: datetime) -> Case:
    """End the case without a result; what was authorised is given back. A second time is answered alike."""
    case = await store.of_clerk(tx, clerk, case_id)
    async with changing(tx, case, actor=clerk.name):
        aborted = case.abort(reason, clerk, now)
    if aborted:
        await announce_abortion(tx, case, reason, now, actor=clerk.name)
    return case


async def announce_abortion(tx: Transaction, case: Case, reason: AbortReason, at: datetime, *, actor: str) -> None:
    """Tell the others that the case ended without a result."""
    event = CaseAborted(
        office=case.office,
        appointment_id=case.appointment_id,
        case_id=case.case_id,
        reason=reason,
        aborted_at=at,
    )
    await tx.publish(event, actor=actor)
