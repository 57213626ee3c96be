"""Papers on demand: they are drawn from what is stored, so that there is no second truth to keep or to erase.

The same case gives the same bytes, until the person or the signature is erased. Rendering happens in a worker thread.
"""

import asyncio
import io
import json
import zipfile
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from casework.applications.document import canonical_json
from casework.applications.model import Application
from casework.cases import audit, store
from casework.cases.model import Case
from casework.directory import Directory
from casework.errors import NotReady, StepMissing
from casework.papers.content import application_paper, receipt_paper
from casework.papers.render import render
from chassis.database import Transaction
from contracts.actors import Citizen, Clerk

FORMAT = "case/1"


async def clerk_document(
    tx: Transaction, directory: Directory, clerk: Clerk, case_id: UUID, application_id: UUID
) -> tuple[str, bytes]:
    """File name and PDF of an application. Raises StepMissing while it is incomplete, and NotFound."""
    case = await store.of_clerk(tx, clerk, case_id, lock=False)
    return await _application(directory, case, case.application(application_id))


async def citizen_document(
    tx: Transaction, directory: Directory, citizen: Citizen, application_id: UUID
) -> tuple[str, bytes]:
    """The same for the citizen. Raises StepMissing, NotFound, LinkExpired."""
    case = await store.of_citizen(tx, citizen, lock=False)
    return await _application(directory, case, case.application(application_id))


async def citizen_receipt(tx: Transaction, directory: Directory, citizen: Citizen) -> tuple[str, bytes]:
    """File name and PDF of the receipt. Raises StepMissing before completion, NotReady until the money was taken."""
    case = await store.of_citizen(tx, citizen, lock=False)
    if case.state != "completed":
        raise StepMissing("completion", "The receipt exists when the case is completed.")
    if not _is_receivable(case):
        raise NotReady("The payment is being taken. Please try again in a moment.", headers={"Retry-After": "2"})
    return await _receipt(directory, case)


async def package(tx: Transaction, directory: Directory, clerk: Clerk, case_id: UUID) -> tuple[str, bytes]:
    """File name and ZIP of all that is handed over to the specialised procedure: papers, and the case as data.

    Raises StepMissing before completion, and NotFound.
    """
    case = await store.of_clerk(tx, clerk, case_id, lock=False)
    if case.state != "completed":
        raise StepMissing("completion", "The package exists when the case is completed.")
    files = dict([await _application(directory, case, application) for application in case.applications])
    if _is_receivable(case):
        name, pdf = await _receipt(directory, case)
        files[name] = pdf
    trail = await store.trail(tx, case_id)
    length, head = await store.audit_end(tx, case_id)
    described = _described(case, trail, audit.first_broken(case_id, trail, length, head) is None)
    files["case.json"] = json.dumps(described, ensure_ascii=False, indent=2, sort_keys=True).encode()
    return f"{case.reference}.zip", await asyncio.to_thread(_zipped, files, case.ended_at or case.ends_at)


async def _application(directory: Directory, case: Case, application: Application) -> tuple[str, bytes]:
    if application.document is None:
        raise StepMissing("application", "The application is not complete yet.")
    data, ink = application_paper(case, application, directory.office(case.office))
    at = application.signed_at or application.confirmed_at or case.starts_at
    document = canonical_json(application.document).decode()
    pdf = await asyncio.to_thread(render, "application", data, at, document=document, ink=ink)
    return f"{case.reference}-{case.applications.index(application) + 1}-{application.service_id}.pdf", pdf


async def _receipt(directory: Directory, case: Case) -> tuple[str, bytes]:
    data = receipt_paper(case, directory.office(case.office), directory.catalogue)
    pdf = await asyncio.to_thread(render, "receipt", data, case.payment.at or case.ended_at or case.ends_at)
    return f"{case.reference}-receipt.pdf", pdf


def _is_receivable(case: Case) -> bool:
    """Only money that was taken is receipted; a free service is once it is done."""
    return case.fee_cents == 0 or case.payment.state == "captured"


def _described(case: Case, trail: list[audit.Entry], sound: bool) -> dict[str, Any]:
    """The case as data, for the procedure that takes it over: canonical documents and signatures with their hashes."""
    check = case.identity_check
    described: dict[str, Any] = {
        "schalter": FORMAT,
        "case_id": str(case.case_id),
        "office": case.office,
        "appointment_id": str(case.appointment_id),
        "reference": case.reference,
        "completed_at": _text(case.ended_at),
        "citizen": asdict(case.person) if case.person else None,
        "identity_check": {name: _text(value) for name, value in asdict(check).items()} if check else None,
        "payment": {
            "state": case.payment.state,
            "amount_cents": case.payment.amount_cents,
            "currency": case.payment.currency,
            "provider": case.payment.provider,
            "receipt_number": case.payment.receipt_number,
        },
        "applications": [
            {
                "service_id": application.service_id,
                "person": application.person,
                "persons": application.persons,
                "document": application.document,
                "document_hash": application.document_hash,
                "confirmed_at": _text(application.confirmed_at),
                "signed_at": _text(application.signed_at),
                "signature": json.loads(application.signature.canonical()) if application.signature else None,
            }
            for application in case.applications
        ],
        "audit": [{name: _text(value) for name, value in asdict(entry).items()} for entry in trail],
        "audit_sound": sound,
    }
    return described


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value


def _zipped(files: dict[str, bytes], at: datetime) -> bytes:
    """A ZIP of `files`, dated `at`, so that the same case gives the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, at.astimezone(UTC).timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
