"""The timetable of an office and the times at which its clerks are blocked."""

import json
from datetime import datetime
from typing import Final

from booking.timetable.document import Timetable, of_file
from chassis.database import Transaction
from contracts.offices import Office

#: For the statements of the hot path: which version of the timetable holds; 0 until somebody edits it.
VERSION: Final = "coalesce((SELECT version FROM timetable WHERE office = :office), 0)"


async def timetable_of(tx: Transaction, office: Office) -> tuple[int, Timetable]:
    """The timetable of `office` with its version; until it is edited, what the office's file says."""
    row = await tx.row(
        "SELECT version, CAST(document AS text) AS document FROM timetable WHERE office = :office", office=office.slug
    )
    if row is None:
        return 0, of_file(office)
    return row["version"], Timetable.model_validate_json(row["document"])


async def save(
    tx: Transaction, office: str, timetable: Timetable, *, expected: int, by: str, now: datetime
) -> int | None:
    """Stores `timetable` if the one that was edited (`expected`) still holds; its version, or None."""
    row = await tx.row(
        """
        INSERT INTO timetable AS held (office, version, document, changed_by, changed_at)
        SELECT :office, CAST(:expected AS int) + 1, CAST(:document AS jsonb), :by, :now
         WHERE CAST(:expected AS int) = 0 OR EXISTS (SELECT FROM timetable WHERE office = :office)
            ON CONFLICT (office) DO UPDATE
           SET version = held.version + 1, document = excluded.document, changed_by = :by, changed_at = :now
         WHERE held.version = CAST(:expected AS int)
        RETURNING version
        """,
        office=office,
        expected=expected,
        document=json.dumps(timetable.model_dump(mode="json")),
        by=by,
        now=now,
    )
    return None if row is None else int(row["version"])
