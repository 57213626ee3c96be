"""The HTTP door for cases: the clerk's agenda and workspace, and the citizen's view of their own case."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from casework.cases import store, usecases
from casework.cases.identity import IdentityCheck
from casework.cases.model import Case
from casework.cases.views import (
    Abortion,
    AgendaView,
    CaseView,
    CitizenCaseView,
    RecordIdentityCheck,
    ShowStage,
    agenda_view,
    case_view,
    citizen_view,
)
from casework.clerks import store as clerks
from casework.clerks.access import LinkHolder, SignedInClerk
from casework.directory import Directory, Lookup
from chassis.database import Transaction
from chassis.http import Now, Tx
from contracts.actors import Clerk

router = APIRouter(tags=["cases"])


@router.get("/agenda")
async def read_agenda(
    clerk: SignedInClerk,
    tx: Tx,
    directory: Lookup,
    now: Now,
    day: Annotated[date | None, Query(alias="date", description="In the office's calendar; today by default.")] = None,
) -> AgendaView:
    """The cases of one day of the clerk's office."""
    shown, rows = await usecases.agenda(tx, directory, clerk, day, now)
    return agenda_view(directory, clerk.office, shown, rows)


@router.get("/cases/{case_id}")
async def read_case(case_id: UUID, clerk: SignedInClerk, tx: Tx, directory: Lookup) -> CaseView:
    """One case of the clerk's office."""
    return await _view(tx, directory, await store.of_clerk(tx, clerk, case_id, lock=False), clerk)


@router.post("/cases/{case_id}/assignment")
async def take_case(case_id: UUID, clerk: SignedInClerk, tx: Tx, directory: Lookup, now: Now) -> CaseView:
    """Take the case: whoever works on it answers for it."""
    return await _view(tx, directory, await usecases.take(tx, clerk, case_id, now), clerk)


@router.post("/cases/{case_id}/stage")
async def show_stage(
    case_id: UUID, body: ShowStage, clerk: SignedInClerk, tx: Tx, directory: Lookup, now: Now
) -> CaseView:
    """Decide what the citizen's screen shows."""
    return await _view(tx, directory, await usecases.show(tx, clerk, case_id, body.stage, now), clerk)


@router.post("/cases/{case_id}/identity-check")
async def record_identity_check(
    case_id: UUID, body: RecordIdentityCheck, clerk: SignedInClerk, tx: Tx, directory: Lookup, now: Now
) -> CaseView:
    """Record what was seen of the citizen's document, and what the clerk concluded."""
    check = IdentityCheck(
        document_type=body.document_type,
        photo_matches=body.checks.photo_matches,
        security_features=body.checks.security_features,
        not_expired=body.checks.not_expired,
        data_matches=body.checks.data_matches,
        outcome=body.outcome,
        note=body.note,
        clerk_id=clerk.sub,
        checked_at=now,
    )
    return await _view(tx, directory, await usecases.record_identity(tx, clerk, case_id, check, now), clerk)


@router.post("/cases/{case_id}/payment-request")
async def request_payment(case_id: UUID, clerk: SignedInClerk, tx: Tx, directory: Lookup, now: Now) -> CaseView:
    """Ask the citizen for the fee."""
    return await _view(tx, directory, await usecases.request_payment(tx, directory, clerk, case_id, now), clerk)


@router.post("/cases/{case_id}/completion")
async def complete_case(case_id: UUID, clerk: SignedInClerk, tx: Tx, directory: Lookup, now: Now) -> CaseView:
    """Finish the case: the fee is taken, the citizen gets a receipt."""
    return await _view(tx, directory, await usecases.complete(tx, clerk, case_id, now), clerk)


@router.post("/cases/{case_id}/abortion")
async def abort_case(
    case_id: UUID, body: Abortion, clerk: SignedInClerk, tx: Tx, directory: Lookup, now: Now
) -> CaseView:
    """End the case without a result: what was authorised is given back."""
    return await _view(tx, directory, await usecases.abort(tx, clerk, case_id, body.reason, now), clerk)


@router.get("/citizen/case")
async def read_own_case(citizen: LinkHolder, tx: Tx, directory: Lookup) -> CitizenCaseView:
    """The case of the link's appointment."""
    return await own_view(tx, directory, await store.of_citizen(tx, citizen, lock=False))


async def own_view(tx: Transaction, directory: Directory, case: Case) -> CitizenCaseView:
    """`case` for its citizen."""
    names = await clerks.names(tx, {case.clerk_id} if case.clerk_id else set())
    return citizen_view(directory, case, names.get(case.clerk_id) if case.clerk_id else None)


async def _view(tx: Transaction, directory: Directory, case: Case, clerk: Clerk) -> CaseView:
    trail = await store.trail(tx, case.case_id)
    involved = {UUID(entry.actor[6:]) for entry in trail if entry.actor.startswith("clerk:")}
    if case.clerk_id:
        involved.add(case.clerk_id)
    return case_view(directory, case, trail, await clerks.names(tx, involved), clerk)
