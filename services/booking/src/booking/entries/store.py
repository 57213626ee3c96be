"""All SQL of the waiting list. Rows are locked in this order, by all: appointment, offer, entry, freed slot.

Nothing here needs the appointments' use cases, so that those can call it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from booking.personal_data import REGISTRY
from booking.waiting.model import EntryState, OfferState
from chassis.database import Row, Transaction
from contracts.booking import BookedService, CitizenContact, Need
from contracts.ids import AppointmentId, OfficeSlug
from contracts.text import Language

#: Who stops waiting is forgotten at once; an appointment that came of it has its own copy.
WIPED: Final = REGISTRY["waiting_entry"].emptied()


@dataclass(frozen=True)
class Entry:
    """Somebody who wants to wait without having an appointment."""

    services: tuple[BookedService, ...]
    minutes: int
    citizen: CitizenContact
    needs: tuple[Need, ...]
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class Renewed:
    """An open offer under its new id."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Listed:
    """An entry of somebody without an appointment. `offered_until`: how long an open offer is kept for them."""

    services: tuple[BookedService, ...]
    state: EntryState
    since: datetime
    first_day: date | None
    last_day: date | None
    offered_until: datetime | None


@dataclass(frozen=True)
class Known:
    """An offer, with who waits and what for. `current_starts_at`: when their appointment is now, if it stands."""

    id: UUID
    office: OfficeSlug
    entry_id: UUID
    freed_id: UUID
    appointment_id: AppointmentId
    has_appointment: bool
    lane: int
    starts_at: datetime
    ends_at: datetime
    state: OfferState
    expires_at: datetime
    current_starts_at: datetime | None
    services: tuple[BookedService, ...]
    language: Language
    #: None once the citizen is forgotten, and for those with an appointment, which knows them.
    citizen: CitizenContact | None
    needs: tuple[Need, ...]


async def wait(tx: Transaction, office: str, appointment: UUID, minutes: int, now: datetime) -> datetime:
    """Puts the citizen of an appointment, whose row the caller holds, on the list; since when they are on it."""
    await tx.execute(
        """
        INSERT INTO waiting_entry (id, office, appointment_id, minutes, state, since, changed_at)
        VALUES (:id, :office, :appointment, :minutes, 'waiting', :now, :now)
            ON CONFLICT DO NOTHING
        """,
        id=uuid4(),
        office=office,
        appointment=appointment,
        minutes=minutes,
        now=now,
    )
    since = await since_of(tx, office, appointment)
    assert since is not None, "the entry is there, ours or one of before"
    return since


async def since_of(tx: Transaction, office: str, appointment: UUID) -> datetime | None:
    """Since when the citizen of an appointment waits for an earlier one; None if they do not."""
    row = await tx.row(
        """
        SELECT since FROM waiting_entry
         WHERE appointment_id = :appointment AND office = :office AND state IN ('waiting', 'offered')
        """,
        office=office,
        appointment=appointment,
    )
    return None if row is None else row["since"]


async def comes_back(tx: Transaction, office: str, appointment: UUID) -> bool:
    """Whether the citizen of an appointment was on the list before and is not now."""
    row = await tx.row(
        """
        SELECT count(*) > 0 AND NOT coalesce(bool_or(state IN ('waiting', 'offered')), false) AS comes_back
          FROM waiting_entry WHERE appointment_id = :appointment AND office = :office
        """,
        office=office,
        appointment=appointment,
    )
    assert row is not None, "an aggregate has one row"
    return bool(row["comes_back"])


async def join(tx: Transaction, office: str, entry: Entry, now: datetime) -> UUID:
    """Puts somebody without an appointment on the list; the entry's id."""
    entry_id = uuid4()
    await tx.execute(
        """
        INSERT INTO waiting_entry (id, office, minutes, services, name, email, phone, language, time_zone,
                                   plain_language, needs, first_day, last_day, state, since, changed_at)
        VALUES (:id, :office, :minutes, CAST(:services AS jsonb), :name, :email, :phone, :language, :time_zone,
                :plain_language, CAST(:needs AS jsonb), :first_day, :last_day, 'waiting', :now, :now)
        """,
        id=entry_id,
        office=office,
        minutes=entry.minutes,
        services=json.dumps([service.model_dump() for service in entry.services]),
        name=entry.citizen.name,
        email=entry.citizen.email,
        phone=entry.citizen.phone,
        language=entry.citizen.language,
        time_zone=entry.citizen.time_zone,
        plain_language=entry.citizen.plain_language,
        needs=json.dumps(entry.needs),
        first_day=entry.first_day,
        last_day=entry.last_day,
        now=now,
    )
    return entry_id


async def listed(tx: Transaction, office: str, entry: UUID) -> Listed | None:
    """An entry of `office` without an appointment."""
    row = await tx.row(
        """
        SELECT CAST(entry.services AS text) AS services, entry.state, entry.since, entry.first_day, entry.last_day,
               open.expires_at AS offered_until
          FROM waiting_entry AS entry
          LEFT JOIN slot_offer AS open ON open.entry_id = entry.id AND open.state = 'open'
         WHERE entry.id = :entry AND entry.office = :office AND entry.appointment_id IS NULL
        """,
        entry=entry,
        office=office,
    )
    return None if row is None else Listed(**row | {"services": services_of(row["services"])})


async def person(tx: Transaction, office: str, entry: UUID) -> tuple[CitizenContact | None, tuple[Need, ...]]:
    """Who is behind an entry of `office` without an appointment, and their needs; None once they are forgotten."""
    row = await tx.row(
        """
        SELECT name, email, phone, language, time_zone, plain_language, CAST(needs AS text) AS needs
          FROM waiting_entry WHERE id = :entry AND office = :office AND appointment_id IS NULL
        """,
        entry=entry,
        office=office,
    )
    return (None, ()) if row is None else (_citizen(row), _needs(row))


async def waiting_under(tx: Transaction, office: str, email: str) -> int:
    """How many without an appointment wait under an e-mail address. Who asks for the same one is let in one by one."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('booking-email:' || :office || ':' || lower(:email), 0))",
        office=office,
        email=email,
    )
    row = await tx.row(
        """
        SELECT count(*) AS waiting FROM waiting_entry
         WHERE office = :office AND lower(email) = lower(:email) AND appointment_id IS NULL
           AND state IN ('waiting', 'offered')
        """,
        office=office,
        email=email,
    )
    assert row is not None, "an aggregate has one row"
    return int(row["waiting"])


async def anybody_but(tx: Transaction, office: str, appointment: UUID) -> bool:
    """Whether anybody waits in `office`, but for the citizen of this appointment."""
    row = await tx.row(
        """
        SELECT 1 FROM waiting_entry
         WHERE office = :office AND state = 'waiting' AND appointment_id IS DISTINCT FROM CAST(:appointment AS uuid)
         LIMIT 1
        """,
        office=office,
        appointment=appointment,
    )
    return row is not None


async def leave(tx: Transaction, office: str, appointment: UUID, now: datetime) -> Sequence[UUID]:
    """The citizen of an appointment, whose row the caller holds, waits no longer. The freed slots kept for them."""
    rows = await tx.rows(
        """
        UPDATE slot_offer SET state = 'refused', ended_at = :now
         WHERE office = :office AND state = 'open' AND appointment_id = :appointment
        RETURNING freed_id
        """,
        office=office,
        appointment=appointment,
        now=now,
    )
    await end(tx, office, appointment, "left", now)
    return [row["freed_id"] for row in rows]


async def leave_entry(tx: Transaction, office: str, entry: UUID, now: datetime) -> tuple[bool, Sequence[UUID]]:
    """Somebody without an appointment leaves the list and is forgotten: whether they were on it, and the freed slots
    kept for them. Whoever is just accepting an offer has an appointment then, and leaves nothing."""
    for _ in range(3):
        freed = await tx.rows(
            """
            UPDATE slot_offer SET state = 'refused', ended_at = :now
             WHERE office = :office AND state = 'open' AND entry_id = :entry
            RETURNING freed_id
            """,
            office=office,
            entry=entry,
            now=now,
        )
        left = await tx.execute(
            f"""
            UPDATE waiting_entry SET state = 'left', changed_at = :now, {WIPED}
             WHERE id = :entry AND office = :office AND appointment_id IS NULL
               AND (state = 'waiting' OR (state = 'offered' AND CAST(:refused AS boolean)))
            """,  # noqa: S608 - constants of ours
            office=office,
            entry=entry,
            refused=bool(freed),
            now=now,
        )
        known = await listed(tx, office, entry)
        # Offered only since we looked for offers: once more, or they could still accept what nobody refused.
        if left or known is None or known.state != "offered":
            return bool(left), [row["freed_id"] for row in freed]
    return False, []


async def end(tx: Transaction, office: str, appointment: UUID, state: EntryState, now: datetime) -> None:
    """Ends the waiting for an earlier time than an appointment's; an open offer is closed by the worker."""
    await tx.execute(
        """
        UPDATE waiting_entry SET state = :state, changed_at = :now
         WHERE appointment_id = :appointment AND office = :office AND state IN ('waiting', 'offered')
        """,
        office=office,
        appointment=appointment,
        state=state,
        now=now,
    )


async def settle(tx: Transaction, entry: UUID, state: EntryState, now: datetime) -> None:
    """What becomes of an entry after an offer was answered; who waits no longer is forgotten."""
    wiped = f", {WIPED}" if state in ("done", "left") else ""
    await tx.execute(
        f"""
        UPDATE waiting_entry SET state = :state, unanswered = 0, changed_at = :now{wiped}
         WHERE id = :id AND state IN ('waiting', 'offered')
        """,  # noqa: S608 - constants of ours
        id=entry,
        state=state,
        now=now,
    )


async def offer(tx: Transaction, office: str, offer_id: UUID, *, lock: bool = False) -> Known | None:
    """An offer of `office`. `lock`: nobody else answers it until this transaction ends."""
    row = await tx.row(
        f"""
        SELECT slot_offer.*, entry.appointment_id IS NOT NULL AS has_appointment,
               CASE appointment.state WHEN 'booked' THEN appointment.starts_at END AS current_starts_at,
               entry.name, entry.email, entry.phone, entry.time_zone, entry.plain_language,
               coalesce(entry.language, appointment.language) AS language,
               CAST(coalesce(entry.services, appointment.services) AS text) AS services,
               CAST(entry.needs AS text) AS needs
          FROM slot_offer
          JOIN waiting_entry AS entry ON entry.id = slot_offer.entry_id
          LEFT JOIN appointment ON appointment.id = slot_offer.appointment_id AND appointment.office = slot_offer.office
         WHERE slot_offer.id = :id AND slot_offer.office = :office
        {"FOR UPDATE OF slot_offer" if lock else ""}
        """,  # noqa: S608 - constants of ours
        id=offer_id,
        office=office,
    )
    return None if row is None else _known(row)


async def answer(tx: Transaction, offer_id: UUID, state: OfferState, now: datetime) -> None:
    """Notes the citizen's answer to an offer whose row the caller holds."""
    await tx.execute(
        "UPDATE slot_offer SET state = :state, ended_at = :now WHERE id = :id", id=offer_id, state=state, now=now
    )


async def renew_offers(tx: Transaction, office: str, appointment: UUID) -> list[Renewed]:
    """Gives the open offers to the holder of an appointment another id: links to them that are out there are dead."""
    rows = await tx.rows(
        """
        UPDATE slot_offer SET id = gen_random_uuid()
         WHERE office = :office AND appointment_id = :appointment AND state = 'open'
        RETURNING id, starts_at, ends_at, expires_at
        """,
        office=office,
        appointment=appointment,
    )
    return [Renewed(**row) for row in rows]


async def use_up(tx: Transaction, freed: UUID, until: datetime) -> None:
    """A freed slot was taken until `until`: what is left of it, if anything, goes on being offered."""
    await tx.execute("DELETE FROM freed_slot WHERE id = :id AND ends_at <= :until", id=freed, until=until)
    await tx.execute("UPDATE freed_slot SET starts_at = :until WHERE id = :id", id=freed, until=until)


async def starts_at(tx: Transaction, freed: UUID) -> datetime | None:
    """When a freed slot begins; None if there is none any more."""
    row = await tx.row("SELECT starts_at FROM freed_slot WHERE id = :id", id=freed)
    return None if row is None else row["starts_at"]


async def keep_until(tx: Transaction, freed: UUID, public_at: datetime, now: datetime) -> None:
    """When a freed slot, which is not public yet, is to be."""
    await tx.execute(
        "UPDATE freed_slot SET public_at = :public_at WHERE id = :id AND public_at > :now",
        id=freed,
        public_at=public_at,
        now=now,
    )


async def erase(tx: Transaction, appointments: Sequence[UUID]) -> None:
    """Forgets that the citizens of these appointments ever waited (GDPR Art. 17)."""
    mine = "SELECT id FROM waiting_entry WHERE appointment_id = ANY (CAST(:ids AS uuid[])) OR id = ANY (:ids)"
    await tx.execute(f"DELETE FROM slot_offer WHERE entry_id IN ({mine})", ids=list(appointments))  # noqa: S608
    await tx.execute(f"DELETE FROM waiting_entry WHERE id IN ({mine})", ids=list(appointments))  # noqa: S608


def _citizen(row: Row) -> CitizenContact | None:
    return CitizenContact.model_validate(row) if row["email"] else None


def _needs(row: Row) -> tuple[Need, ...]:
    return tuple(json.loads(row["needs"] or "[]"))


def _known(row: Row) -> Known:
    names = Known.__dataclass_fields__.keys() - {"services", "citizen", "needs"}
    return Known(
        **{name: row[name] for name in names},
        services=services_of(row["services"]),
        citizen=_citizen(row),
        needs=_needs(row),
    )


def services_of(document: str) -> tuple[BookedService, ...]:
    """Services in the events' terms, from their JSON."""
    return tuple(BookedService.model_validate(service) for service in json.loads(document))
