"""The HTTP door for papers: PDFs for both sides, and the package that is handed over."""

from uuid import UUID

from fastapi import APIRouter, Response

from casework.clerks.access import LinkHolder, SignedInClerk
from casework.directory import Lookup
from casework.papers import usecases
from chassis.http import Tx

router = APIRouter(tags=["papers"])


class Pdf(Response):
    """A PDF, shown rather than saved."""

    media_type = "application/pdf"


class Zip(Response):
    """A ZIP, saved rather than shown."""

    media_type = "application/zip"


@router.get("/cases/{case_id}/applications/{application_id}/document.pdf", response_class=Pdf)
async def read_document(
    case_id: UUID, application_id: UUID, clerk: SignedInClerk, tx: Tx, directory: Lookup
) -> Response:
    """An application on paper, as far as it has come: a draft says so."""
    return _shown(*await usecases.clerk_document(tx, directory, clerk, case_id, application_id))


@router.get("/cases/{case_id}/package.zip", response_class=Zip)
async def read_package(case_id: UUID, clerk: SignedInClerk, tx: Tx, directory: Lookup) -> Response:
    """All papers of a completed case, and the case as data."""
    name, content = await usecases.package(tx, directory, clerk, case_id)
    return Zip(content, headers=_named("attachment", name))


@router.get("/citizen/case/applications/{application_id}/document.pdf", response_class=Pdf)
async def read_own_document(application_id: UUID, citizen: LinkHolder, tx: Tx, directory: Lookup) -> Response:
    """The citizen's own application on paper."""
    return _shown(*await usecases.citizen_document(tx, directory, citizen, application_id))


@router.get("/citizen/case/receipt.pdf", response_class=Pdf)
async def read_own_receipt(citizen: LinkHolder, tx: Tx, directory: Lookup) -> Response:
    """What was done, and what was paid."""
    return _shown(*await usecases.citizen_receipt(tx, directory, citizen))


def _shown(name: str, content: bytes) -> Response:
    return Pdf(content, headers=_named("inline", name))


def _named(disposition: str, name: str) -> dict[str, str]:
    # Names are made of references and service ids: plain ASCII, nothing to escape.
    return {"Content-Disposition": f'{disposition}; filename="{name}"', "X-Content-Type-Options": "nosniff"}
