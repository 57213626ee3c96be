"""One application: values become a document, it is confirmed, what was confirmed is signed. Any edit voids both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.applications.signature import Signature
from casework.errors import DocumentChanged, RevisionConflict, StepMissing


@dataclass(frozen=True)
class FieldError:
    """Why a field is not acceptable yet: `code` is one of a closed list, see `form.py`."""

    field: str
    code: str


@dataclass(frozen=True)
class Draft:
    """Values as the form understands them; with a document when nothing is missing."""

    values: Mapping[str, Any]
    errors: tuple[FieldError, ...]
    document: Mapping[str, Any] | None
    document_hash: str | None
    fee_cents: int


@dataclass
class Application:
    """The application for one booked service of a case.

    `persons` is for how many people the service is booked: with `person` set each has an application, and this is the
    one of that person (from 1); with None it is one application for them all.
    """

    application_id: UUID
    service_id: str
    needs_identity: bool
    needs_signature: bool
    person: int | None = None
    persons: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()
    document: Mapping[str, Any] | None = None
    document_hash: str | None = None
    fee_cents: int = 0
    revision: int = 0
    confirmed_at: datetime | None = None
    signed_at: datetime | None = None
    signature: Signature | None = None
    erased: bool = False

    @property
    def settled(self) -> bool:
        """Nothing is left for the citizen to do."""
        return self.missing_step() is None

    def missing_step(self) -> str | None:
        """The next step of this application that has not happened, or None."""
        if self.document is None:
            return "application"
        if self.confirmed_at is None:
            return "confirmation"
        if self.needs_signature and self.signed_at is None:
            return "signature"
        return None

    def edit(self, draft: Draft, base_revision: int) -> bool:
        """Replace the values by `draft`, made from `base_revision`; False when nothing differs.

        Voids confirmation and signature: they were given for another document. Saving the same values again is no edit,
        so that a client may repeat a save whose answer it lost. Raises RevisionConflict.
        """
        if (draft.values, draft.errors, draft.document_hash) == (self.values, self.errors, self.document_hash):
            return False
        if base_revision != self.revision:
            raise RevisionConflict(self.revision)
        self.values, self.errors, self.fee_cents = draft.values, draft.errors, draft.fee_cents
        self.document, self.document_hash = draft.document, draft.document_hash
        self.confirmed_at = self.signed_at = self.signature = None
        self.revision += 1
        return True

    def confirm(self, document_hash: str, now: datetime) -> bool:
        """The citizen confirms the document with this hash; False when that happened before.

        Raises StepMissing while the document is incomplete and DocumentChanged for another document than the current.
        """
        self._require_document(document_hash)
        if self.confirmed_at is not None:
            return False
        self.confirmed_at = now
        return True

    def sign(self, signature: Signature, now: datetime) -> bool:
        """The citizen signs the document that they confirmed; False when it is signed already.

        The first signature stands: a repeated request adds nothing. Raises StepMissing and DocumentChanged.
        """
        self._require_document(signature.document_hash)
        if self.confirmed_at is None:
            raise StepMissing("confirmation", "The document has to be confirmed before it is signed.")
        if not self.needs_signature or self.signed_at is not None:
            return False
        self.signed_at, self.signature = now, signature
        return True

    def erase(self) -> None:
        """Forget what was applied for. That something was confirmed and signed, when and by which hash, stays."""
        self.values, self.errors, self.document, self.signature = {}, (), None, None
        self.erased = True

    def _require_document(self, document_hash: str) -> None:
        if self.document_hash is None:
            raise StepMissing("application", "The application is not complete yet.")
        if document_hash != self.document_hash:
            raise DocumentChanged("The document was changed. Please read it again.")
