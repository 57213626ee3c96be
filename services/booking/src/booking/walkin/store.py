"""All SQL of the queue. A query names the office; the holder of a ticket finds only the one that their token names."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from booking.personal_data import REGISTRY
from booking.walkin.model import SILENCE, TicketState
from chassis.database import Row, Transaction
from contracts.actors import WalkIn
from contracts.booking import BookedService, CitizenContact, Need
from contracts.ids import AppointmentId

#: One at a time gives out numbers of an office, or calls one: the order is fair, and a lane has one caller.
_QUEUE: Final = "hashtextextended('booking-walk-in:' || :office, 0)"

#: What of a ticket tells of a person goes as soon as nobody waits with it: whoever is called has an appointment now.
_ERASED: Final = f"{REGISTRY['walk_in'].emptied()}, erased_at = :now"

_SILENT: Final = "CAST(:now AS timestamptz) - CAST(:silence AS interval)"
_COLUMNS: Final = "id, number, state, CAST(services AS text) AS services, appointment_id"


@dataclass(frozen=True)
class Ticket:
    """Somebody's place in the queue."""

    id: UUID
    number: int
    state: TicketState
    services: tuple[BookedService, ...]
    appointment_id: AppointmentId | None


@dataclass(frozen=True)
class Arrival:
    """Who came, and what they need."""

    services: tuple[BookedService, ...]
    citizen: CitizenContact
    needs: tuple[Need, ...]


async def queue_up(tx: Transaction, office: str) -> None:
    """Waits for its turn to change the queue of `office`; held until the transaction ends."""
    await tx.execute(f"SELECT pg_advisory_xact_lock({_QUEUE})", office=office)


async def queue_is_ours(tx: Transaction, office: str) -> bool:
    """Whether nobody else is changing the queue of `office`; if so, nobody will until the transaction ends."""
    row = await tx.row(f"SELECT pg_try_advisory_xact_lock({_QUEUE}) AS ours", office=office)
    return row is not None and bool(row["ours"])


async def add(tx: Transaction, ticket: UUID, office: str, day: date, visitor: Arrival, now: datetime) -> int:
    """Adds somebody at the end of the queue; their number, from 1 on each day. The caller has queued up."""
    row = await tx.row(
        """
        INSERT INTO walk_in (id, office, day, number, services, name, email, phone, language, time_zone, plain_language,
                             needs, state, taken_at, seen_at)
        SELECT :id, CAST(:office AS varchar), CAST(:day AS date), 1 + coalesce(max(number), 0),
               CAST(:services AS jsonb), :name, :email, :phone, :language, :time_zone, :plain_language,
               CAST(:needs AS jsonb), 'waiting', :now, :now
          FROM walk_in WHERE office = CAST(:office AS varchar) AND day = CAST(:day AS date)
        RETURNING number
        """,
        id=ticket,
        office=office,
        day=day,
        services=json.dumps([service.model_dump() for service in visitor.services]),
        name=visitor.citizen.name,
        email=visitor.citizen.email,
        phone=visitor.citizen.phone,
        language=visitor.citizen.language,
        time_zone=visitor.citizen.time_zone,
        plain_language=visitor.citizen.plain_language,
        needs=json.dumps(visitor.needs),
        now=now,
    )
    assert row is not None, "an INSERT of one row returns one"
    return int(row["number"])


async def present(tx: Transaction, holder: WalkIn, now: datetime) -> Ticket | None:
    """Notes that the holder is here, unless they were silent for too long; the ticket, or None if there is none."""
    row = await tx.row(
        f"""
        UPDATE walk_in SET seen_at = greatest(seen_at, CAST(:now AS timestamptz))
         WHERE id = :id AND office = :office AND state = 'waiting' AND seen_at > {_SILENT}
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant of ours
        id=holder.sub,
        office=holder.office,
        now=now,
        silence=SILENCE,
    )
    if row is None:
        await sweep(tx, holder.office, now)
        row = await tx.row(
            f"SELECT {_COLUMNS} FROM walk_in WHERE id = :id AND office = :office",  # noqa: S608 - a constant of ours
            id=holder.sub,
            office=holder.office,
        )
    return None if row is None else _ticket(row)


async def leave(tx: Transaction, holder: WalkIn, now: datetime) -> TicketState | None:
    """Takes the holder out of the queue. In which state the ticket is then; None if there is none."""
    await tx.execute(
        f"""
        UPDATE walk_in SET state = 'left', {_ERASED}
         WHERE id = :id AND office = :office AND state = 'waiting'
        """,  # noqa: S608 - a constant of ours
        id=holder.sub,
        office=holder.office,
        now=now,
    )
    row = await tx.row(
        "SELECT state FROM walk_in WHERE id = :id AND office = :office", id=holder.sub, office=holder.office
    )
    if row is None:
        return None
    state: TicketState = row["state"]
    return state


async def sweep(tx: Transaction, office: str, now: datetime) -> int:
    """Whoever was silent for a minute has gone. How many these were."""
    return await tx.execute(
        f"""
        UPDATE walk_in SET state = 'gone', {_ERASED}
         WHERE office = :office AND state = 'waiting' AND seen_at <= {_SILENT}
        """,  # noqa: S608 - constants of ours
        office=office,
        now=now,
        silence=SILENCE,
    )


async def waiting(tx: Transaction, office: str, now: datetime) -> list[Ticket]:
    """Who waits, in the order of their numbers; those who were silent for too long do not."""
    rows = await tx.rows(
        f"""
        SELECT {_COLUMNS} FROM walk_in
         WHERE office = :office AND state = 'waiting' AND seen_at > {_SILENT}
         ORDER BY day, number
        """,  # noqa: S608 - a constant of ours
        office=office,
        now=now,
        silence=SILENCE,
    )
    return [_ticket(row) for row in rows]


async def offices_with_waiting(tx: Transaction) -> list[str]:
    """The offices where somebody waits."""
    return [row["office"] for row in await tx.rows("SELECT DISTINCT office FROM walk_in WHERE state = 'waiting'")]


async def visitor(tx: Transaction, ticket: UUID) -> Arrival | None:
    """Who waits with `ticket`, who cannot go before this transaction ends; None if they have gone already."""
    row = await tx.row(
        """
        SELECT CAST(services AS text) AS services, name, email, phone, language, time_zone, plain_language,
               CAST(needs AS text) AS needs
          FROM walk_in WHERE id = :id AND state = 'waiting'
           FOR UPDATE
        """,
        id=ticket,
    )
    if row is None:
        return None
    return Arrival(_services(row["services"]), CitizenContact.model_validate(row), tuple(json.loads(row["needs"])))


async def length(tx: Transaction, office: str, now: datetime) -> tuple[int, datetime | None]:
    """How many wait at `office`, and since when the first of them; who was silent for too long does not."""
    row = await tx.row(
        f"""
        SELECT count(*) AS waiting, min(taken_at) AS oldest FROM walk_in
         WHERE office = :office AND state = 'waiting' AND seen_at > {_SILENT}
        """,  # noqa: S608 - a constant of ours
        office=office,
        now=now,
        silence=SILENCE,
    )
    assert row is not None, "an aggregate has one row"
    return int(row["waiting"]), row["oldest"]


async def waiting_under(tx: Transaction, office: str, email: str, now: datetime) -> int:
    """How many numbers wait at `office` under this e-mail address, whatever its capitals."""
    row = await tx.row(
        f"""
        SELECT count(*) AS waiting FROM walk_in
         WHERE office = :office AND state = 'waiting' AND lower(email) = lower(:email) AND seen_at > {_SILENT}
        """,  # noqa: S608 - a constant of ours
        office=office,
        email=email,
        now=now,
        silence=SILENCE,
    )
    assert row is not None, "an aggregate has one row"
    return int(row["waiting"])


async def called(tx: Transaction, ticket: UUID, appointment: AppointmentId, now: datetime) -> datetime:
    """`ticket` is called: there is an appointment now, which has the person's data. Since when they had waited."""
    row = await tx.row(
        f"UPDATE walk_in SET state = 'called', called_at = :now, appointment_id = :appointment, {_ERASED} "  # noqa: S608
        "WHERE id = :id RETURNING taken_at",
        id=ticket,
        appointment=appointment,
        now=now,
    )
    assert row is not None, "the caller holds the row"
    taken_at: datetime = row["taken_at"]
    return taken_at


async def drop(tx: Transaction, ticket: UUID, now: datetime) -> None:
    """`ticket` cannot be served any more: the office has closed, or does not offer what it is for."""
    await tx.execute(
        f"UPDATE walk_in SET state = 'gone', {_ERASED} WHERE id = :id AND state = 'waiting'",  # noqa: S608
        id=ticket,
        now=now,
    )


async def erase_old(tx: Transaction, now: datetime) -> int:
    """Erases who has been in a queue for a day, for whatever reason; numbers and times stay. How many these were."""
    return await tx.execute(
        f"""
        UPDATE walk_in SET state = CASE state WHEN 'waiting' THEN 'gone' ELSE state END, {_ERASED}
         WHERE erased_at IS NULL AND taken_at < CAST(:now AS timestamptz) - interval '1 day'
        """,  # noqa: S608 - a constant of ours
        now=now,
    )


def _ticket(row: Row) -> Ticket:
    return Ticket(row["id"], row["number"], row["state"], _services(row["services"]), row["appointment_id"])


def _services(document: str) -> tuple[BookedService, ...]:
    return tuple(BookedService.model_validate(service) for service in json.loads(document))
