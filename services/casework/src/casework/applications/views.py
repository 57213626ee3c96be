"""Applications as clients see them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from casework.applications.model import Application
from casework.applications.naming import title
from casework.applications.signature import (
    MAX_BOX,
    MAX_MILLISECONDS,
    MAX_POINTS,
    MAX_STROKES,
    Method,
    Pointer,
    Signature,
)
from casework.directory import Directory
from contracts.base import Instant
from contracts.text import Localised

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
#: Text without control characters (line breaks and tabs are fine): PostgreSQL and PDF/UA know none of the others.
Text = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Small = Annotated[StrictInt, Field(ge=0, le=MAX_BOX)]
Point = tuple[Small, Small, Annotated[StrictInt, Field(ge=0, le=MAX_MILLISECONDS)], Small]


class FieldErrorView(BaseModel):
    """Why a field is not acceptable yet. `field` is empty for what concerns no single field."""

    field: str
    code: str


class ApplicationView(BaseModel):
    """One application: the form, what is filled in, and how far it has come.

    `document` is what the citizen confirms and signs; it exists when `errors` is empty. `document_hash` is the SHA-256
    of its canonical JSON, which the citizen's browser computes anew from what it shows. `person` counts from 1 when the
    service is booked for several `persons` with an application each; null is one application for all of them.
    """

    application_id: UUID
    service_id: str
    title: Localised
    person: int | None
    persons: int
    form: dict[str, Any]
    values: dict[str, Any]
    revision: int
    errors: list[FieldErrorView]
    document: dict[str, Any] | None
    document_hash: str | None
    confirmed_at: Instant | None
    signed_at: Instant | None
    needs_signature: bool
    fee_cents: int


class SaveApplication(BaseModel):
    """All values of the form; what is missing here is empty. `revision` is the one that the edit began with."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    values: Annotated[dict[Key, StrictBool | StrictInt | Text | None], Field(max_length=100)]
    revision: int


class Confirmation(BaseModel):
    """The hash of the document that the citizen has read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    document_hash: Hash


class CanonicalSignature(BaseModel):
    """A signature in its canonical form: integers alone, so that both sides write the same bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    schalter: Literal["signature/1"]
    document_hash: Hash
    width: Small
    height: Small
    pointer: Pointer
    strokes: Annotated[
        tuple[Annotated[tuple[Point, ...], Field(max_length=MAX_POINTS)], ...], Field(max_length=MAX_STROKES)
    ]
    text: Annotated[Text, Field(max_length=120)] = ""
    svg_sha256: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""


class SignDocument(BaseModel):
    """The signature under a document. `svg` is what the client showed; it is checked, and drawn anew."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    document_hash: Hash
    signature: CanonicalSignature
    svg: Annotated[str, StringConstraints(max_length=400_000)] = ""
    method: Method

    def to_signature(self) -> Signature:
        """The signature itself. Raises SignatureInvalid."""
        given = self.signature
        signature = Signature(
            document_hash=given.document_hash,
            method=self.method,
            pointer=given.pointer,
            width=given.width,
            height=given.height,
            strokes=given.strokes,
            text=given.text,
            svg_sha256=given.svg_sha256,
        )
        signature.check_name()
        signature.check_drawing(self.svg)
        return signature


class SignatureView(BaseModel):
    """A signature as it was given: strokes of [x, y, milliseconds, pressure] in a box, or a typed name."""

    method: Method
    pointer: Pointer
    width: int
    height: int
    strokes: list[list[tuple[int, int, int, int]]]
    text: str


def signature_view(signature: Signature) -> SignatureView:
    """`signature` for drawing it."""
    return SignatureView(
        method=signature.method,
        pointer=signature.pointer,
        width=signature.width,
        height=signature.height,
        strokes=[list(stroke) for stroke in signature.strokes],
        text=signature.text,
    )


def application_view(directory: Directory, application: Application) -> ApplicationView:
    """`application` with the form that its service has now."""
    service = directory.service(application.service_id)
    return ApplicationView(
        application_id=application.application_id,
        service_id=application.service_id,
        title=title(service, application),
        person=application.person,
        persons=application.persons,
        form=dict(service.form),
        values=dict(application.values),
        revision=application.revision,
        errors=[FieldErrorView(field=error.field, code=error.code) for error in application.errors],
        document=dict(application.document) if application.document else None,
        document_hash=application.document_hash,
        confirmed_at=application.confirmed_at,
        signed_at=application.signed_at,
        needs_signature=application.needs_signature,
        fee_cents=application.fee_cents,
    )
