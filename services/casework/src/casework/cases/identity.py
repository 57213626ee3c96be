"""The identity check: what a clerk saw of a document and concluded from it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from casework.errors import RecordInvalid

DocumentType = Literal["identity_card", "passport", "residence_permit", "other"]


@dataclass(frozen=True)
class IdentityCheck:
    """That a document was seen, by whom, when, and what the checks gave.

    Never a picture of it (DSGVO Art. 5 (1) c, PAuswG § 20 (2)).
    """

    document_type: DocumentType
    photo_matches: bool
    security_features: bool
    not_expired: bool
    data_matches: bool
    outcome: Literal["verified", "refused"]
    note: str
    clerk_id: UUID
    checked_at: datetime

    def __post_init__(self) -> None:
        doubtful = not (self.photo_matches and self.security_features and self.not_expired and self.data_matches)
        # The clerk decides, not the form. But whoever overrules a failed check says why.
        if self.outcome == "verified" and doubtful and not self.note:
            raise RecordInvalid("A check failed: say in the note why the identity is accepted.")

    def repeats(self, other: "IdentityCheck") -> bool:
        """Whether both say the same, whenever they were recorded."""
        return replace(self, checked_at=other.checked_at) == other
