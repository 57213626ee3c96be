"""The timetable of an office, those that held before, and the times at which its clerks are blocked."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from booking.timetable.document import StoredTimetable, nameless, of_file
from booking.timetable.model import BusyTime
from chassis.database import Row, Transaction
from contracts.offices import Office

#: For the statements of the hot path: which version of the timetable holds; 0 until somebody edits it.
VERSION: Final = "coalesce((SELECT version FROM timetable WHERE office = :office), 0)"


class Held(NamedTuple):
    """A timetable that held from `since` until the next one did; None is from the beginning."""

    since: datetime | None
    timetable: StoredTimetable


async def timetable_of(tx: Transaction, office: Office) -> tuple[int, StoredTimetable]:
    """The timetable of `office` with its version; until it is edited, what the office's file says."""
    row = await tx.row(
        "SELECT version, CAST(document AS text) AS document FROM timetable WHERE office = :office", office=office.slug
    )
    if row is None:
        return 0, of_file(office)
    return row["version"], StoredTimetable.model_validate_json(row["document"])


async def save(
    tx: Transaction, office: str, timetable: StoredTimetable, *, expected: int, by: str, now: datetime
) -> int | None:
    """Stores `timetable` if the one that was edited (`expected`) still holds; its version, or None."""
    row = await tx.row(
        """
        WITH saved AS (
            INSERT INTO timetable AS held (office, version, document, changed_by, changed_at)
            SELECT CAST(:office AS varchar), CAST(:expected AS int) + 1, CAST(:document AS jsonb), :by, :now
             WHERE CAST(:expected AS int) = 0 OR EXISTS (SELECT FROM timetable WHERE office = :office)
                ON CONFLICT (office) DO UPDATE
               SET version = held.version + 1, document = excluded.document, changed_by = :by, changed_at = :now
             WHERE held.version = CAST(:expected AS int)
            RETURNING version
        )
        INSERT INTO timetable_version (office, version, held_from, document)
        SELECT CAST(:office AS varchar), version, CAST(:now AS timestamptz), CAST(:nameless AS jsonb) FROM saved
        RETURNING version
        """,
        office=office,
        expected=expected,
        document=json.dumps(timetable.model_dump(mode="json")),
        nameless=json.dumps(nameless(timetable).model_dump(mode="json")),
        by=by,
        now=now,
    )
    return None if row is None else int(row["version"])


async def held_between(tx: Transaction, office: Office, low: datetime, high: datetime) -> list[Held]:
    """The timetables of `office` that held at some time from `low` to `high`, one after the other.

    Before the first edit it was the office's file. Where the first edits are not known, the earliest known stands in.
    """
    rows = await tx.rows(
        """
        WITH known AS (
            SELECT version, held_from, document FROM timetable_version WHERE office = :office
            UNION ALL
            SELECT version, changed_at, document FROM timetable
             WHERE office = :office
               AND NOT EXISTS (SELECT FROM timetable_version AS kept
                                WHERE kept.office = :office AND kept.version = timetable.version)
        )
        SELECT version, held_from, CAST(document AS text) AS document FROM known
         WHERE version = (SELECT min(version) FROM known)
            OR (held_from < :high
                AND version >= coalesce((SELECT max(version) FROM known WHERE held_from <= :low), 0))
         ORDER BY version
        """,
        office=office.slug,
        low=low,
        high=high,
    )
    held = [Held(row["held_from"], StoredTimetable.model_validate_json(row["document"])) for row in rows]
    if not held or rows[0]["version"] == 1:
        return [Held(None, of_file(office)), *held]
    return [Held(None, held[0].timetable), *held[1:]]


async def highest_lane(tx: Transaction, office: str) -> int:
    """The highest lane that any appointment or blocked time of `office` names; -1 without any."""
    row = await tx.row(
        """
        SELECT greatest((SELECT max(lane) FROM appointment WHERE office = :office),
                        (SELECT max(lane) FROM blocked_time WHERE office = :office), -1) AS lane
        """,
        office=office,
    )
    assert row is not None, "a SELECT without FROM has one row"
    return int(row["lane"])


async def blocked_times(tx: Transaction, office: str, *, low: datetime, high: datetime | None = None) -> list[Row]:
    """The blocked times of `office` that end after `low` and begin before `high`, by start."""
    return await tx.rows(
        """
        SELECT id, lane, starts_at, ends_at, reason, note FROM blocked_time
         WHERE office = :office AND ends_at > :low
           AND starts_at < coalesce(CAST(:high AS timestamptz), 'infinity')
         ORDER BY starts_at, lane, id
        """,
        office=office,
        low=low,
        high=high,
    )


async def blocked_time(tx: Transaction, office: str, blocked_id: UUID) -> Row | None:
    """One blocked time of `office`."""
    return await tx.row(
        "SELECT id, lane FROM blocked_time WHERE office = :office AND id = :id", office=office, id=blocked_id
    )


class Blocked(NamedTuple):
    """When the clerk of a lane is not there, and why."""

    lane: int
    starts_at: datetime
    ends_at: datetime
    reason: str
    note: str | None


async def block(
    tx: Transaction,
    office: str,
    blocked_id: UUID,
    time: Blocked,
    *,
    by: str,
    now: datetime,
) -> Row:
    """Blocks a lane; the row. One that says the same already stays as it is."""
    same: dict[str, object] = {"office": office, **time._asdict()}
    # Two at once would both see none; so they come one by one.
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('booking-block:' || :office, 0))", office=office)
    held = await tx.row(
        """
        SELECT id, lane, starts_at, ends_at, reason, note FROM blocked_time
         WHERE office = :office AND lane = :lane AND starts_at = :starts_at AND ends_at = :ends_at
           AND reason = :reason AND note IS NOT DISTINCT FROM CAST(:note AS text)
        """,
        **same,
    )
    if held is None:
        held = await tx.row(
            """
            INSERT INTO blocked_time (id, office, lane, starts_at, ends_at, reason, note, created_by, created_at)
            VALUES (:id, :office, :lane, :starts_at, :ends_at, :reason, :note, :by, :now)
            RETURNING id, lane, starts_at, ends_at, reason, note
            """,
            **same,
            id=blocked_id,
            by=by,
            now=now,
        )
    assert held is not None, "it was there or was inserted"
    return held


async def unblock(tx: Transaction, office: str, blocked_id: UUID) -> None:
    """Deletes a blocked time."""
    await tx.execute("DELETE FROM blocked_time WHERE office = :office AND id = :id", office=office, id=blocked_id)


def busy(rows: Iterable[Row]) -> list[BusyTime]:
    """Blocked times in the model's terms."""
    return [BusyTime(row["lane"], int(row["starts_at"].timestamp()), int(row["ends_at"].timestamp())) for row in rows]
