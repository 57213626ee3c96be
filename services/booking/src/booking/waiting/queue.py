"""The SQL by which freed slots go round among those who wait; one process at a time does it for an office."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID, uuid4

from booking.entries.store import WIPED, services_of
from booking.slots.model import Slot
from booking.timetable.model import BusyTime
from booking.waiting.model import HANDOVER, PATIENCE
from chassis.database import Row, Transaction
from contracts.booking import BookedService, CitizenContact
from contracts.ids import AppointmentId

#: Almost always the first of those who wait gets the slot; the others need not be read.
_PAGE: Final = 20
_BEFORE_ALL: Final = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_CANDIDATES: Final = """
    SELECT entry.id AS entry_id, coalesce(entry.appointment_id, entry.id) AS appointment_id, entry.minutes,
           entry.since, entry.first_day, entry.last_day, appointment.starts_at AS current_starts_at,
           coalesce(appointment.link_generation, 0) AS link_generation,
           CAST(coalesce(appointment.services, entry.services) AS text) AS services,
           coalesce(appointment.name, entry.name) AS name, coalesce(appointment.email, entry.email) AS email,
           coalesce(appointment.language, entry.language) AS language,
           CASE WHEN appointment.id IS NULL THEN entry.phone ELSE appointment.phone END AS phone,
           CASE WHEN appointment.id IS NULL THEN entry.time_zone ELSE appointment.time_zone END AS time_zone,
           coalesce(appointment.plain_language, entry.plain_language) AS plain_language
      FROM waiting_entry AS entry
      LEFT JOIN appointment
        ON appointment.id = entry.appointment_id AND appointment.office = entry.office
       AND appointment.state = 'booked' AND appointment.erased_at IS NULL AND appointment.starts_at > :low
     WHERE entry.office = :office AND entry.state = 'waiting'
       AND (entry.since, entry.id) > (CAST(:since AS timestamptz), CAST(:after AS uuid))
       AND (entry.appointment_id IS NULL OR appointment.id IS NOT NULL)
       AND entry.appointment_id IS DISTINCT FROM CAST(:left_by AS uuid)
       AND entry.minutes * interval '1 minute' <= CAST(:high AS timestamptz) - CAST(:low AS timestamptz)
       AND NOT EXISTS (
               SELECT FROM slot_offer AS asked
                WHERE asked.entry_id IN (
                          SELECT id FROM waiting_entry AS mine
                           WHERE mine.id = entry.id OR mine.appointment_id = entry.appointment_id)
                  AND asked.starts_at < :high AND asked.ends_at > :low)
       AND NOT EXISTS (
               SELECT FROM slot_offer AS open
                 JOIN waiting_entry AS other ON other.id = open.entry_id
                 LEFT JOIN appointment AS theirs ON theirs.id = other.appointment_id
                WHERE open.office = :office AND open.state = 'open'
                  AND lower(coalesce(theirs.email, other.email))
                    = lower(coalesce(appointment.email, entry.email)))
     ORDER BY entry.since, entry.id
     LIMIT :limit
"""


@dataclass(frozen=True)
class FreedSlot:
    """A slot that was given back, until `ends_at` (the pause included), and is not public before `public_at`."""

    id: UUID
    lane: int
    starts_at: datetime
    ends_at: datetime
    public_at: datetime
    left_by: UUID | None


@dataclass(frozen=True)
class Waiting:
    """Somebody who may want a slot. `appointment_id`: theirs, or the one that they would get."""

    entry_id: UUID
    appointment_id: AppointmentId
    services: tuple[BookedService, ...]
    minutes: int
    current_starts_at: datetime | None
    link_generation: int
    citizen: CitizenContact
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class Lapsed:
    """An offer that is over without an answer: nobody gave one in time, or it is pointless by now."""

    entry_id: UUID
    freed_id: UUID
    starts_at: datetime
    offered_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Gone:
    """Somebody whom the list has lost. `appointment_id` as of `Waiting`."""

    appointment_id: AppointmentId
    services: tuple[BookedService, ...]
    citizen: CitizenContact
    has_appointment: bool


async def offices(tx: Transaction) -> list[str]:
    """The offices that have freed slots or open offers: one look at two tables that are nearly empty."""
    rows = await tx.rows("SELECT office FROM freed_slot UNION SELECT office FROM slot_offer WHERE state = 'open'")
    return [row["office"] for row in rows]


async def length(tx: Transaction, office: str) -> int:
    """How many are on the waiting list of `office`, offered something or not."""
    row = await tx.row(
        "SELECT count(*) AS listed FROM waiting_entry WHERE office = :office AND state IN ('waiting', 'offered')",
        office=office,
    )
    assert row is not None, "an aggregate has one row"
    return int(row["listed"])


async def lapse(tx: Transaction, office: str, now: datetime) -> list[Lapsed]:
    """Ends the open offers whose time is over, or whose citizen waits no longer or has something as early by now.

    One that is being answered at this moment is left alone.
    """
    rows = await tx.rows(
        """
        UPDATE slot_offer SET state = 'expired', ended_at = :now
         WHERE id IN (
               SELECT slot_offer.id
                 FROM slot_offer
                 JOIN waiting_entry AS entry ON entry.id = slot_offer.entry_id
                 LEFT JOIN appointment
                   ON appointment.id = entry.appointment_id AND appointment.state = 'booked'
                  AND appointment.starts_at > slot_offer.starts_at
                WHERE slot_offer.office = :office AND slot_offer.state = 'open'
                  AND (slot_offer.expires_at <= :now OR entry.state <> 'offered'
                       OR (entry.appointment_id IS NOT NULL AND appointment.id IS NULL))
                  FOR UPDATE OF slot_offer SKIP LOCKED)
        RETURNING entry_id, freed_id, starts_at, offered_at, expires_at
        """,
        office=office,
        now=now,
    )
    return [Lapsed(**row) for row in rows]


async def wait_on(tx: Transaction, office: str, entry: UUID, now: datetime, *, unanswered: bool) -> bool:
    """Who got an offer waits on in their old place; False after too many `unanswered` ones: they wait no longer."""
    row = await tx.row(
        """
        UPDATE waiting_entry
           SET unanswered = unanswered + CAST(:unanswered AS int), changed_at = :now,
               state = CASE WHEN unanswered + CAST(:unanswered AS int) < :patience THEN 'waiting' ELSE 'left' END
         WHERE id = :id AND office = :office AND state = 'offered'
        RETURNING state
        """,
        id=entry,
        office=office,
        unanswered=int(unanswered),
        patience=PATIENCE,
        now=now,
    )
    return row is None or row["state"] == "waiting"


async def forget(tx: Transaction, office: str, entries: Sequence[UUID]) -> list[Gone]:
    """Forgets the people behind entries that have ended; whom to tell, if they are known and have not been erased."""
    rows = await tx.rows(
        """
        SELECT coalesce(entry.appointment_id, entry.id) AS appointment_id,
               entry.appointment_id IS NOT NULL AS has_appointment,
               CAST(coalesce(appointment.services, entry.services) AS text) AS services,
               coalesce(appointment.name, entry.name) AS name, coalesce(appointment.email, entry.email) AS email,
               coalesce(appointment.language, entry.language) AS language,
               coalesce(appointment.plain_language, entry.plain_language) AS plain_language
          FROM waiting_entry AS entry
          LEFT JOIN appointment ON appointment.id = entry.appointment_id AND appointment.office = entry.office
         WHERE entry.id = ANY (CAST(:ids AS uuid[])) AND entry.office = :office
        """,
        ids=list(entries),
        office=office,
    )
    await tx.execute(
        f"UPDATE waiting_entry SET {WIPED}"  # noqa: S608 - a constant of ours
        " WHERE id = ANY (CAST(:ids AS uuid[])) AND office = :office",
        ids=list(entries),
        office=office,
    )
    return [
        Gone(
            AppointmentId(row["appointment_id"]),
            services_of(row["services"]),
            CitizenContact.model_validate(row),
            row["has_appointment"],
        )
        for row in rows
        if row["email"]
    ]


async def tidy(tx: Transaction, office: str, now: datetime) -> None:
    """Forgets the freed slots that are public by now, or begun."""
    await tx.execute(
        """
        DELETE FROM freed_slot
         WHERE office = :office AND (public_at <= :now OR starts_at <= :now)
           AND NOT EXISTS (SELECT FROM slot_offer WHERE freed_id = freed_slot.id AND slot_offer.state = 'open')
        """,
        office=office,
        now=now,
    )


async def unoffered(tx: Transaction, office: str, now: datetime) -> list[UUID]:
    """The freed slots that are not public yet and offered to nobody, if anybody waits at all; the earliest first."""
    rows = await tx.rows(
        """
        SELECT id FROM freed_slot
         WHERE office = :office AND public_at > :now AND starts_at > :now
           AND EXISTS (SELECT FROM waiting_entry WHERE office = :office AND state = 'waiting')
           AND NOT EXISTS (SELECT FROM slot_offer WHERE freed_id = freed_slot.id AND slot_offer.state = 'open')
         ORDER BY starts_at, lane, id
        """,
        office=office,
        now=now,
    )
    return [row["id"] for row in rows]


async def freed_slots(tx: Transaction, among: Sequence[UUID], now: datetime) -> list[FreedSlot]:
    """Those of some freed slots that are still to be offered, the earliest first; nobody else changes them now."""
    rows = await tx.rows(
        """
        SELECT id, lane, starts_at, ends_at, public_at, left_by
          FROM freed_slot
         WHERE id = ANY (CAST(:ids AS uuid[])) AND public_at > :now
           AND NOT EXISTS (SELECT FROM slot_offer WHERE freed_id = freed_slot.id AND slot_offer.state = 'open')
         ORDER BY starts_at, lane, id
           FOR UPDATE SKIP LOCKED
        """,
        ids=list(among),
        now=now,
    )
    return [FreedSlot(**row) for row in rows]


async def taken(tx: Transaction, office: str, slot: FreedSlot, now: datetime) -> list[BusyTime]:
    """What takes the lane of a freed slot meanwhile: a freed slot says that somebody left, not that nobody came."""
    rows = await tx.rows(
        """
        SELECT lane, CAST(extract(epoch FROM starts_at) AS bigint) AS start,
               CAST(extract(epoch FROM ends_at) AS bigint) AS end
          FROM (
            SELECT lane, starts_at, coalesce(busy_until, ends_at) AS ends_at
              FROM appointment
             WHERE office = :office AND lane = :lane AND state = 'booked'
               AND starts_at > CAST(:low AS timestamptz) - interval '9 hours' AND starts_at < :high
               AND coalesce(busy_until, ends_at) > :low
            UNION ALL
            SELECT lane, starts_at, ends_at
              FROM blocked_time
             WHERE office = :office AND lane = :lane AND ends_at > :low AND starts_at < :high
            UNION ALL
            SELECT lane, starts_at, ends_at
              FROM freed_slot
             WHERE office = :office AND lane = :lane AND public_at > :now AND id <> :id
               AND ends_at > :low AND starts_at < :high
          ) AS busy
        """,
        office=office,
        lane=slot.lane,
        low=slot.starts_at,
        high=slot.ends_at,
        now=now,
        id=slot.id,
    )
    return [BusyTime(**row) for row in rows]


async def candidates(tx: Transaction, office: str, slot: FreedSlot) -> AsyncIterator[Waiting]:
    """Who waits and might want `slot`, who came first first: whose appointment is later, whose time is no longer.

    Nobody is asked twice about the same time, however often they leave the list and come back, nor about the one that
    they have left themselves, nor (whoever uses the same e-mail address) about a second one while the first is open.
    """
    asked = {"office": office, "low": slot.starts_at, "high": slot.ends_at, "left_by": slot.left_by}
    after = _BEFORE_ALL
    while True:
        rows = await tx.rows(_CANDIDATES, **asked, since=after[0], after=after[1], limit=_PAGE)
        for row in rows:
            yield _waiting(row)
        if len(rows) < _PAGE:
            return
        after = rows[-1]["since"], rows[-1]["entry_id"]


async def offer(
    tx: Transaction,
    office: str,
    freed: FreedSlot,
    to: Waiting,
    slot: Slot,
    *,
    expires_at: datetime,
    now: datetime,
) -> UUID | None:
    """Keeps `slot`, a part of `freed`, for one who waits; the offer's id, or None if they just do something else.

    The public does not see it before whoever waits next was asked.
    """
    claimed = await tx.execute(
        """
        UPDATE waiting_entry SET state = 'offered', changed_at = :now
         WHERE id = (SELECT id FROM waiting_entry WHERE id = :id AND state = 'waiting' FOR UPDATE SKIP LOCKED)
        """,
        id=to.entry_id,
        now=now,
    )
    if not claimed:
        return None
    offer_id = uuid4()
    await tx.execute(
        """
        INSERT INTO slot_offer (id, office, entry_id, freed_id, appointment_id, lane, starts_at, ends_at, state,
                                offered_at, expires_at)
        VALUES (:id, :office, :entry, :freed, :appointment, :lane, :starts_at, :ends_at, 'open', :now, :expires_at)
        """,
        id=offer_id,
        office=office,
        entry=to.entry_id,
        freed=freed.id,
        appointment=to.appointment_id,
        lane=freed.lane,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        expires_at=expires_at,
        now=now,
    )
    await tx.execute(
        "UPDATE freed_slot SET public_at = greatest(public_at, CAST(:public_at AS timestamptz)) WHERE id = :id",
        id=freed.id,
        public_at=expires_at + HANDOVER,
    )
    return offer_id


def _waiting(row: Row) -> Waiting:
    return Waiting(
        entry_id=row["entry_id"],
        appointment_id=AppointmentId(row["appointment_id"]),
        services=services_of(row["services"]),
        minutes=row["minutes"],
        current_starts_at=row["current_starts_at"],
        link_generation=row["link_generation"],
        citizen=CitizenContact.model_validate(row),
        first_day=row["first_day"],
        last_day=row["last_day"],
    )
