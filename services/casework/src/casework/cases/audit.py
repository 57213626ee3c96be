"""The audit trail of a case: each entry holds the hash of the one before, so that a change anywhere shows.

Entries name facts, clerks by id and documents by hash: no person, no content. They outlive the erasure of both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from casework.applications.document import canonical_json, sha256_hex
from casework.cases.facts import Fact


@dataclass(frozen=True)
class Entry:
    """One link of the chain."""

    case_id: UUID
    number: int
    at: datetime
    actor: str
    action: str
    detail: Mapping[str, str]
    previous: str
    hash: str


def beginning(case_id: UUID) -> str:
    """What the first entry hooks on: the case itself, so that a chain cannot be moved to another case."""
    return sha256_hex(f"schalter/audit {case_id}".encode())


def append(case_id: UUID, number: int, previous: str, fact: Fact) -> Entry:
    """The entry for `fact`, number `number` of its case, after the entry with hash `previous`."""
    return Entry(
        case_id=case_id,
        number=number,
        at=fact.at,
        actor=fact.actor,
        action=fact.action,
        detail=fact.detail,
        previous=previous,
        hash=_hash(case_id, number, previous, fact),
    )


def first_broken(case_id: UUID, entries: Iterable[Entry], length: int, head: str) -> int | None:
    """The number of the first entry that is not what was written (missing ones count), or None for a sound chain."""
    previous, number = beginning(case_id), 0
    for number, entry in enumerate(entries, start=1):
        fact = Fact(entry.at, entry.actor, entry.action, entry.detail)
        if (entry.number, entry.previous, entry.hash) != (number, previous, _hash(case_id, number, previous, fact)):
            return number
        previous = entry.hash
    return None if (number, previous) == (length, head) else number + 1


def _hash(case_id: UUID, number: int, previous: str, fact: Fact) -> str:
    return sha256_hex(
        canonical_json(
            {
                "case_id": str(case_id),
                "number": number,
                "at": fact.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "actor": fact.actor,
                "action": fact.action,
                "detail": dict(fact.detail),
                "previous": previous,
            }
        )
    )
