"""All SQL. A read on behalf of somebody takes their office: another office's room does not exist."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from chassis.database import Row, Transaction
from signaling.model import NEWEST_GENERATION, Desk, Ending, Guest, Room
from signaling.protocol import Role
from signaling.rooms import Place

_ROOM = """
    SELECT appointment_id, office, starts_at, ends_at, link_generation, state, stage, revision,
           admitted_at IS NOT NULL AS admitted
    FROM rooms
"""


@dataclass(frozen=True, slots=True)
class Present:
    """A local participant's room and record as committed, to make good what a lost message would have said."""

    room: Room
    recorded: bool


def _room(row: Row) -> Room:
    return Room(**{str(column): value for column, value in row.items()})


async def open_room(
    tx: Transaction, appointment_id: UUID, office: str, starts_at: datetime, ends_at: datetime, generation: int
) -> bool:
    """Make the room known, or its new time; False when a link as new as this one is known already.

    A room that an overtaking event closed stays closed.
    """
    changed = await tx.execute(
        """
        INSERT INTO rooms (appointment_id, office, starts_at, ends_at, link_generation, state)
        VALUES (:appointment_id, :office, :starts_at, :ends_at, :generation, 'open')
        ON CONFLICT (appointment_id) DO UPDATE
        SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, link_generation = excluded.link_generation
        WHERE rooms.link_generation < excluded.link_generation AND rooms.office = excluded.office
        """,
        appointment_id=appointment_id,
        office=office,
        starts_at=starts_at,
        ends_at=ends_at,
        generation=generation,
    )
    return changed == 1


async def ensure_cancelled(
    tx: Transaction, appointment_id: UUID, office: str, starts_at: datetime, ends_at: datetime
) -> None:
    """Close the room for good, even when it is not known yet: the two events of booking may overtake one another."""
    await tx.execute(
        """
        INSERT INTO rooms (appointment_id, office, starts_at, ends_at, link_generation, state)
        VALUES (:appointment_id, :office, :starts_at, :ends_at, 0, 'cancelled')
        ON CONFLICT (appointment_id) DO UPDATE SET state = 'cancelled', admitted_at = NULL
        WHERE rooms.office = excluded.office
        """,
        appointment_id=appointment_id,
        office=office,
        starts_at=starts_at,
        ends_at=ends_at,
    )


async def ensure_closed(
    tx: Transaction, appointment_id: UUID, office: str, starts_at: datetime, ends_at: datetime
) -> None:
    """Make a room that is not known yet known as one that is over; a known one is left as it is."""
    await tx.execute(
        """
        INSERT INTO rooms (appointment_id, office, starts_at, ends_at, link_generation, state)
        VALUES (:appointment_id, :office, :starts_at, :ends_at, 0, 'aborted')
        ON CONFLICT (appointment_id) DO NOTHING
        """,
        appointment_id=appointment_id,
        office=office,
        starts_at=starts_at,
        ends_at=ends_at,
    )


async def tell_absence(tx: Transaction, appointment_id: UUID, office: str, at: datetime) -> bool:
    """Note a word about the citizen not coming; False when a later one is known, or the room is not."""
    told = await tx.execute(
        """
        UPDATE rooms SET absence_told_at = :at
        WHERE appointment_id = :appointment_id AND office = :office
          AND (absence_told_at IS NULL OR absence_told_at <= :at)
        """,
        appointment_id=appointment_id,
        office=office,
        at=at,
    )
    return told == 1


async def reopen_room(tx: Transaction, appointment_id: UUID, office: str) -> bool:
    """Open a room that closed without a result; False when there is none."""
    opened = await tx.execute(
        """
        UPDATE rooms SET state = 'open'
        WHERE appointment_id = :appointment_id AND office = :office AND state = 'aborted'
        """,
        appointment_id=appointment_id,
        office=office,
    )
    return opened == 1


async def erase_room(tx: Transaction, appointment_id: UUID, office: str, at: datetime) -> None:
    """Erase the room, its calls and who was in it. What stays says that the link is dead, whatever still arrives."""
    await tx.execute(
        "DELETE FROM rooms WHERE appointment_id = :appointment_id AND office = :office",
        appointment_id=appointment_id,
        office=office,
    )
    await tx.execute(
        """
        INSERT INTO rooms (appointment_id, office, starts_at, ends_at, link_generation, state)
        VALUES (:appointment_id, :office, :at, :at, :newest, 'cancelled') ON CONFLICT (appointment_id) DO NOTHING
        """,
        appointment_id=appointment_id,
        office=office,
        at=at,
        newest=NEWEST_GENERATION,
    )


async def close_room(tx: Transaction, appointment_id: UUID, office: str, ending: Ending) -> bool:
    """Close an open room; False when there is none."""
    closed = await tx.execute(
        """
        UPDATE rooms SET state = :ending, admitted_at = NULL
        WHERE appointment_id = :appointment_id AND office = :office AND state = 'open'
        """,
        appointment_id=appointment_id,
        office=office,
        ending=ending,
    )
    return closed == 1


async def set_stage(tx: Transaction, appointment_id: UUID, office: str, stage: str, revision: int) -> None:
    """Remember what the room shows, unless a newer revision is known."""
    await tx.execute(
        """
        UPDATE rooms SET stage = :stage, revision = :revision
        WHERE appointment_id = :appointment_id AND office = :office AND (revision IS NULL OR revision < :revision)
        """,
        appointment_id=appointment_id,
        office=office,
        stage=stage,
        revision=revision,
    )


async def room(tx: Transaction, appointment_id: UUID, office: str, *, lock: bool = False) -> Room | None:
    """The office's room, locked for the transaction if asked."""
    row = await tx.row(
        f"{_ROOM} WHERE appointment_id = :appointment_id AND office = :office {'FOR UPDATE' if lock else ''}",
        appointment_id=appointment_id,
        office=office,
    )
    return None if row is None else _room(row)


async def office_of(tx: Transaction, appointment_id: UUID) -> str | None:
    """Whose room it is; asked by the system itself, on nobody's behalf."""
    row = await tx.row("SELECT office FROM rooms WHERE appointment_id = :id", id=appointment_id)
    return None if row is None else str(row["office"])


async def enter(
    tx: Transaction, appointment_id: UUID, role: Role, office: str, clerk_id: UUID | None, now: datetime
) -> bool:
    """Record somebody as present; False when they already were (a reconnect, a reload, another clerk)."""
    row = await tx.row(
        """
        INSERT INTO participants (appointment_id, role, office, since, clerk_id)
        VALUES (:appointment_id, :role, :office, :now, :clerk_id)
        ON CONFLICT (appointment_id, role) DO UPDATE SET clerk_id = excluded.clerk_id
        RETURNING xmax = 0 AS entered
        """,
        appointment_id=appointment_id,
        role=role,
        office=office,
        now=now,
        clerk_id=clerk_id,
    )
    return row is not None and bool(row["entered"])


async def present_since(tx: Transaction, appointment_id: UUID, role: Role) -> datetime | None:
    """Since when somebody of that role is in the room, or away for less than the grace; None if nobody is."""
    row = await tx.row(
        "SELECT since FROM participants WHERE appointment_id = :appointment_id AND role = :role",
        appointment_id=appointment_id,
        role=role,
    )
    return row["since"] if row else None


async def remove(tx: Transaction, appointment_id: UUID, role: Role | None = None) -> list[Role]:
    """Record somebody, or everybody, as gone. Returns the roles that were present."""
    rows = await tx.rows(
        """
        DELETE FROM participants WHERE appointment_id = :appointment_id AND role = coalesce(:role, role) RETURNING role
        """,
        appointment_id=appointment_id,
        role=role,
    )
    return [cast("Role", row["role"]) for row in rows]


async def set_admitted(tx: Transaction, appointment_id: UUID, at: datetime | None) -> bool:
    """Admit (`at`) or send back to waiting (None); False when that was so already."""
    changed = await tx.execute(
        """
        UPDATE rooms SET admitted_at = :at
        WHERE appointment_id = :appointment_id AND (admitted_at IS NULL) <> (CAST(:at AS timestamptz) IS NULL)
        """,
        appointment_id=appointment_id,
        at=at,
    )
    return changed == 1


async def start_call(tx: Transaction, appointment_id: UUID, office: str, at: datetime) -> bool:
    """Record that the call runs, if both are present; False when it already does."""
    started = await tx.execute(
        """
        INSERT INTO calls (appointment_id, office, clerk_id, started_at)
        SELECT :appointment_id, :office, clerk.clerk_id, :at
        FROM participants clerk JOIN participants citizen USING (appointment_id)
        WHERE appointment_id = :appointment_id AND clerk.role = 'clerk' AND citizen.role = 'citizen'
        ON CONFLICT (appointment_id) WHERE ended_at IS NULL DO NOTHING
        """,
        appointment_id=appointment_id,
        office=office,
        at=at,
    )
    return started == 1


async def end_call(tx: Transaction, appointment_id: UUID, at: datetime) -> tuple[datetime, datetime] | None:
    """Record that the running call is over. Returns (start, end), or None when none ran."""
    row = await tx.row(
        """
        UPDATE calls SET ended_at = greatest(started_at, :at)
        WHERE appointment_id = :appointment_id AND ended_at IS NULL RETURNING started_at, ended_at
        """,
        appointment_id=appointment_id,
        at=at,
    )
    return None if row is None else (row["started_at"], row["ended_at"])


async def guests(tx: Transaction, office: str) -> list[Guest]:
    """The office's citizens who wait or are in a call, in the order of their turns."""
    rows = await tx.rows(
        """
        SELECT appointment_id, since, starts_at, admitted_at IS NOT NULL AS admitted
        FROM participants JOIN rooms USING (appointment_id)
        WHERE participants.office = :office AND role = 'citizen' ORDER BY starts_at, since
        """,
        office=office,
    )
    return [Guest(row["appointment_id"], row["since"], row["starts_at"], row["admitted"]) for row in rows]


async def desk(tx: Transaction, office: str, now: datetime) -> Desk:
    """The office's running calls, and the lengths of its last twenty."""
    running = await tx.rows(
        "SELECT clerk_id, started_at FROM calls WHERE office = :office AND ended_at IS NULL", office=office
    )
    finished = await tx.rows(
        """
        SELECT CAST(extract(epoch FROM ended_at - started_at) AS float) AS seconds FROM calls
        WHERE office = :office AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 20
        """,
        office=office,
    )
    return Desk(
        running=tuple((row["clerk_id"], (now - row["started_at"]).total_seconds()) for row in running),
        finished_seconds=tuple(row["seconds"] for row in finished),
    )


async def offices(tx: Transaction) -> list[str]:
    """All offices that have rooms, also those whose file is gone."""
    return [row["office"] for row in await tx.rows("SELECT DISTINCT office FROM rooms")]


async def forget_before(tx: Transaction, office: str, before: datetime) -> int:
    """Erase the office's rooms that ended before, with everything about them. Returns how many."""
    return await tx.execute(
        "DELETE FROM rooms WHERE office = :office AND ends_at < :before", office=office, before=before
    )


async def present_places(tx: Transaction) -> list[Place]:
    """Everybody on record as present, in all offices."""
    rows = await tx.rows("SELECT appointment_id, role FROM participants")
    return [Place(row["appointment_id"], cast("Role", row["role"])) for row in rows]


async def committed(tx: Transaction, places: Sequence[Place]) -> dict[Place, Present]:
    """The rooms of `places` as committed, and whether each role is on record there."""
    ids = list({place.appointment_id for place in places})
    rows = await tx.rows(f"{_ROOM} WHERE appointment_id = ANY(:ids)", ids=ids)
    known = await tx.rows("SELECT appointment_id, role FROM participants WHERE appointment_id = ANY(:ids)", ids=ids)
    recorded = {Place(row["appointment_id"], cast("Role", row["role"])) for row in known}
    rooms = {row["appointment_id"]: _room(row) for row in rows}
    return {
        place: Present(rooms[place.appointment_id], place in recorded)
        for place in places
        if place.appointment_id in rooms
    }


async def presence_to_say(
    tx: Transaction, office: str, clerks: Collection[UUID], now: datetime, *, again_after: timedelta
) -> bool:
    """Whether it is to be told now that these clerks of the office are there; if so, it is noted as said.

    That is so when it changed, or was said before `again_after` and somebody is there. Of several who ask at once one
    is told yes.
    """
    changed = await tx.execute(
        """
        INSERT INTO clerks_present (office, clerks, said_at) VALUES (:office, :clerks, :now)
        ON CONFLICT (office) DO UPDATE SET clerks = excluded.clerks, said_at = excluded.said_at
         WHERE clerks_present.clerks <> excluded.clerks
            OR (clerks_present.clerks <> '{}' AND clerks_present.said_at <= :before)
        """,
        office=office,
        clerks=sorted(clerks),
        now=now,
        before=now - again_after,
    )
    return changed == 1
