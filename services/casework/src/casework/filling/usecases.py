"""What happens to an application: the clerk saves it, the citizen confirms and signs exactly what was saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.applications.form import Heading, draft
from casework.applications.model import Application
from casework.applications.naming import title
from casework.applications.signature import Signature
from casework.cases import store
from casework.cases.model import CITIZEN, Case
from casework.cases.usecases import changing
from casework.directory import Directory
from chassis.database import Transaction
from chassis.problems import NotFound
from contracts.actors import Citizen, Clerk
from contracts.casework import ApplicationConfirmed, Signed
from contracts.ids import ApplicationId, CaseId


@dataclass(frozen=True)
class Edit:
    """What a clerk has typed into an application of which they saw `revision`."""

    application_id: UUID
    values: Mapping[str, Any]
    revision: int


async def save(
    tx: Transaction, directory: Directory, clerk: Clerk, case_id: UUID, edit: Edit, now: datetime
) -> Application:
    """Save the values of an application, complete or not; what is missing is said in its `errors`.

    An edit voids confirmation and signature. Raises RevisionConflict, FeeFixed, NotAssigned, CaseClosed, NotFound.
    """
    case = await store.of_clerk(tx, clerk, case_id)
    application = case.application(edit.application_id)
    service = directory.offered(case.office, application.service_id)
    heading = Heading(case.office, case.appointment_id, case.reference, case.language, title(service, application))
    written = draft(service, edit.values, heading, today=directory.today(case.office, now))
    async with changing(tx, case, actor=clerk.name):
        case.edit(application.application_id, written, edit.revision, clerk, now)
    return application


async def signature(tx: Transaction, clerk: Clerk, case_id: UUID, application_id: UUID) -> Signature:
    """The signature under an application. Raises NotFound while there is none."""
    case = await store.of_clerk(tx, clerk, case_id, lock=False)
    given = case.application(application_id).signature
    if given is None:
        raise NotFound("The application is not signed.")
    return given


async def confirm(tx: Transaction, citizen: Citizen, application_id: UUID, document_hash: str, now: datetime) -> Case:
    """The citizen confirms what they read. Raises StepMissing, DocumentChanged, CaseClosed, LinkExpired."""
    case = await store.of_citizen(tx, citizen)
    async with changing(tx, case, actor=CITIZEN):
        confirmed = case.confirm(application_id, document_hash, now)
    if confirmed:
        event = ApplicationConfirmed(
            office=case.office,
            appointment_id=citizen.sub,
            case_id=CaseId(case.case_id),
            application_id=ApplicationId(application_id),
            document_hash=document_hash,
            confirmed_at=now,
        )
        await tx.publish(event, actor=CITIZEN)
    return case


async def sign(tx: Transaction, citizen: Citizen, application_id: UUID, signature: Signature, now: datetime) -> Case:
    """The citizen signs what they confirmed. Raises StepMissing, DocumentChanged, CaseClosed, LinkExpired."""
    case = await store.of_citizen(tx, citizen)
    async with changing(tx, case, actor=CITIZEN):
        signed = case.sign(application_id, signature, now)
    if signed:
        event = Signed(
            office=case.office,
            appointment_id=citizen.sub,
            case_id=CaseId(case.case_id),
            application_id=ApplicationId(application_id),
            document_hash=signature.document_hash,
            method=signature.method,
            signed_at=now,
        )
        await tx.publish(event, actor=CITIZEN)
    return case
