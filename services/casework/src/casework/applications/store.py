"""Applications in PostgreSQL. They are reached through their case alone, which was asked for by its actor."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from casework.applications.model import Application, FieldError
from casework.applications.signature import FORMAT, Signature
from casework.tables import ApplicationRow, ContentRow, SignatureRow
from chassis.database import Transaction

_PLAIN = (
    "application_id", "service_id", "person", "persons", "needs_identity", "needs_signature", "revision", "fee_cents",
    "document_hash", "confirmed_at", "signed_at",
)  # fmt: skip


async def of_case(tx: Transaction, case_id: UUID) -> list[Application]:
    """The applications of a case, in the order of booking."""
    query = (
        select(ApplicationRow, ContentRow, SignatureRow)
        .outerjoin(ContentRow, col(ContentRow.application_id) == ApplicationRow.application_id)
        .outerjoin(SignatureRow, col(SignatureRow.application_id) == ApplicationRow.application_id)
        .where(ApplicationRow.case_id == case_id)
        .order_by(col(ApplicationRow.position))
    )
    rows: Sequence[tuple[ApplicationRow, ContentRow | None, SignatureRow | None]] = (await tx.session.exec(query)).all()
    return [_loaded(row, content, signature) for row, content, signature in rows]


async def add_all(tx: Transaction, case_id: UUID, applications: Sequence[Application]) -> None:
    """Store the applications of a new case."""
    for position, application in enumerate(applications):
        tx.session.add(ApplicationRow(case_id=case_id, position=position, **_plain(application)))
        await tx.session.flush()
        tx.session.add(ContentRow(application_id=application.application_id, **_content(application)))


async def save_all(tx: Transaction, applications: Sequence[Application]) -> None:
    """Store what changed. A voided signature is deleted: it was given for a document that no longer exists.

    Of an erased application the rows with its content go.
    """
    for application in applications:
        row = await tx.session.get_one(ApplicationRow, application.application_id)
        for name, value in _plain(application).items():
            setattr(row, name, value)
        content = await tx.session.get(ContentRow, application.application_id)
        if content and application.erased:
            await tx.session.delete(content)
        elif content:
            for name, value in _content(application).items():
                setattr(content, name, value)
        signature = await tx.session.get(SignatureRow, application.application_id)
        if application.signature and signature is None:
            canonical = application.signature.canonical()
            tx.session.add(SignatureRow(application_id=application.application_id, canonical=canonical))
        elif signature and application.signature is None and (application.erased or application.signed_at is None):
            await tx.session.delete(signature)


def _loaded(row: ApplicationRow, content: ContentRow | None, signature: SignatureRow | None) -> Application:
    return Application(
        **{name: getattr(row, name) for name in _PLAIN},
        values=content.entries if content else {},
        errors=tuple(FieldError(**error) for error in content.errors) if content else (),
        document=content.document if content else None,
        signature=_signature(signature.canonical) if signature else None,
        erased=content is None,
    )


def _signature(canonical: bytes) -> Signature:
    stored = json.loads(canonical)
    assert stored.pop("schalter") == FORMAT
    stored["strokes"] = tuple(
        tuple((x, y, at, pressure) for x, y, at, pressure in stroke) for stroke in stored["strokes"]
    )
    return Signature(**stored)


def _plain(application: Application) -> dict[str, Any]:
    return {name: getattr(application, name) for name in _PLAIN}


def _content(application: Application) -> dict[str, Any]:
    return {
        "entries": dict(application.values),
        "errors": [{"field": error.field, "code": error.code} for error in application.errors],
        "document": dict(application.document) if application.document else None,
    }
