"""The HTTP door for applications: the clerk writes them, the citizen confirms and signs."""

from uuid import UUID

from fastapi import APIRouter

from casework.applications.views import (
    ApplicationView,
    Confirmation,
    SaveApplication,
    SignatureView,
    SignDocument,
    application_view,
    signature_view,
)
from casework.cases.api import own_view
from casework.cases.views import CitizenCaseView
from casework.clerks.access import LinkHolder, SignedInClerk
from casework.directory import Lookup
from casework.errors import SignatureInvalid
from casework.filling import usecases
from chassis.http import Now, Tx

router = APIRouter(tags=["applications"])


@router.put("/cases/{case_id}/applications/{application_id}")
async def save_application(
    case_id: UUID,
    application_id: UUID,
    body: SaveApplication,
    clerk: SignedInClerk,
    tx: Tx,
    directory: Lookup,
    now: Now,
) -> ApplicationView:
    """Save an application, complete or not. An edit voids the citizen's confirmation and signature."""
    edit = usecases.Edit(application_id, body.values, body.revision)
    saved = await usecases.save(tx, directory, clerk, case_id, edit, now)
    return application_view(directory, saved)


@router.get("/cases/{case_id}/applications/{application_id}/signature")
async def read_signature(case_id: UUID, application_id: UUID, clerk: SignedInClerk, tx: Tx) -> SignatureView:
    """The citizen's signature as strokes, for the clerk to see it arrive."""
    return signature_view(await usecases.signature(tx, clerk, case_id, application_id))


@router.post("/citizen/case/applications/{application_id}/confirmation")
async def confirm_application(
    application_id: UUID, body: Confirmation, citizen: LinkHolder, tx: Tx, directory: Lookup, now: Now
) -> CitizenCaseView:
    """Confirm the document with this hash, as it was shown."""
    return await own_view(tx, directory, await usecases.confirm(tx, citizen, application_id, body.document_hash, now))


@router.post("/citizen/case/applications/{application_id}/signature")
async def sign_application(
    application_id: UUID, body: SignDocument, citizen: LinkHolder, tx: Tx, directory: Lookup, now: Now
) -> CitizenCaseView:
    """Sign the confirmed document with this hash."""
    if body.document_hash != body.signature.document_hash:
        raise SignatureInvalid("The signature was made for another document.")
    return await own_view(tx, directory, await usecases.sign(tx, citizen, application_id, body.to_signature(), now))
