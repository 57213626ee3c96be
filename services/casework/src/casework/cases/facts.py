"""What happened to a case, as its audit trail will tell it: facts, without a person or content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True)
class Fact:
    """Something that happened in a case; becomes an entry of the audit trail. Names no person and no content."""

    at: datetime
    actor: str
    action: str
    detail: Mapping[str, str] = field(default_factory=dict)


def written(at: datetime) -> str:
    """An instant as a fact's detail: RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def of_application(application_id: UUID, document_hash: str | None) -> dict[str, str]:
    """An application as a fact's detail, with the document that was meant."""
    return {"application_id": str(application_id), "document_hash": document_hash or ""}
