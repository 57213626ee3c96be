"""What takes the time of an office's lanes, in one statement: the hot path of free slots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from booking.slots.model import Kept, Occupied, Slot
from booking.timetable.model import BusyTime
from booking.timetable.store import VERSION
from chassis.database import Transaction
from contracts.ids import AppointmentId

#: Whether the slot `freed` is kept for somebody of the waiting list who has not answered yet.
OFFERED: Final = "EXISTS (SELECT FROM slot_offer WHERE slot_offer.freed_id = freed.id AND slot_offer.state = 'open')"

#: An appointment (8 hours at most) and the pause after it (an hour at most) take no longer; see the table's constraint.
MAX_OCCUPIED: Final = timedelta(hours=9)


# The range of `starts_at` is bounded on both sides, because nothing is longer than nine hours (appointment_occupied):
# what this costs depends on the days asked for, never on how many appointments there are. Blocked times may be longer,
# but those to come are few. Three arrays in one row are decoded ten times as fast as a row per appointment.
def _busy(freed: str = "") -> str:
    return f"""
    SELECT {VERSION} AS version,
           array_agg(lane) AS lanes,
           array_agg(CAST(extract(epoch FROM starts_at) AS bigint)) AS starts,
           array_agg(CAST(extract(epoch FROM ends_at) AS bigint)) AS ends
      FROM (
        SELECT lane, starts_at, coalesce(busy_until, ends_at) AS ends_at
          FROM appointment
         WHERE office = :office AND state = 'booked' AND id IS DISTINCT FROM CAST(:own AS uuid)
           AND starts_at > CAST(:low AS timestamptz) - interval '9 hours' AND starts_at < :high
           AND coalesce(busy_until, ends_at) > :low
        UNION ALL
        SELECT lane, starts_at, ends_at
          FROM blocked_time
         WHERE office = :office AND ends_at > :low AND starts_at < :high
        UNION ALL
        SELECT lane, starts_at, ends_at
          FROM freed_slot AS freed
         WHERE office = :office AND public_at > :now AND ends_at > :low AND starts_at < :high {freed}
      ) AS taken
"""  # noqa: S608 - constants of ours


BUSY: Final = _busy()
#: What is in a clerk's way: of the slots that are not public yet those alone that are offered to somebody.
BUSY_FOR_CLERKS: Final = _busy(f"AND {OFFERED}")


@dataclass(frozen=True)
class Taken:
    """Which lanes are busy, and by which version of the timetable that is to be read. Three columns of one table."""

    version: int
    lanes: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]

    def __iter__(self) -> Iterator[Occupied]:
        return zip(self.lanes, self.starts, self.ends, strict=True)

    @property
    def busy(self) -> list[BusyTime]:
        """The same, named: for a few."""
        return [BusyTime(*each) for each in self]


async def taken(
    tx: Transaction,
    office: str,
    low: datetime,
    high: datetime,
    *,
    now: datetime,
    own: AppointmentId | None = None,
    for_clerks: bool = False,
) -> Taken:
    """Which lanes of `office` are taken between `low` and `high`; the appointment `own` does not count.

    `for_clerks`: what is `kept` is not.
    """
    row = await tx.row(BUSY_FOR_CLERKS if for_clerks else BUSY, office=office, low=low, high=high, now=now, own=own)
    assert row is not None, "an aggregate without GROUP BY has one row"
    return Taken(row["version"], row["lanes"] or (), row["starts"] or (), row["ends"] or ())


async def kept(tx: Transaction, office: str, low: datetime, high: datetime, now: datetime) -> list[Kept]:
    """The freed slots that touch the time from `low` to `high`, are not public yet and offered to nobody."""
    rows = await tx.rows(
        f"""
        SELECT lane, CAST(extract(epoch FROM starts_at) AS bigint) AS start,
               CAST(extract(epoch FROM ends_at) AS bigint) AS end, public_at
          FROM freed_slot AS freed
         WHERE office = :office AND public_at > :now AND ends_at > :low AND starts_at < :high AND NOT {OFFERED}
        """,  # noqa: S608 - a constant of ours
        office=office,
        low=low,
        high=high,
        now=now,
    )
    return [Kept(**row) for row in rows]


async def hand_out_alone(tx: Transaction, office: str) -> None:
    """Waits until nobody else hands out the freed slots of `office`, to who waits or by a clerk; so it stays until this
    transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('booking-waiting:' || :office, 0))", office=office)


async def give_back(
    tx: Transaction,
    office: str,
    lane: int,
    free: Slot,
    *,
    public_at: datetime,
    now: datetime,
    left_by: UUID,
) -> UUID:
    """Takes note that a slot (`free`, its pause included) is free again, but not for the public yet.

    Between now and `public_at` it can be offered to the waiting list, though not to the one whose appointment it was
    (`left_by`).
    """
    freed = uuid4()
    await tx.execute(
        """
        INSERT INTO freed_slot (id, office, lane, starts_at, ends_at, public_at, freed_at, left_by)
        VALUES (:id, :office, :lane, :starts_at, :ends_at, :public_at, :now, :left_by)
        """,
        id=freed,
        office=office,
        lane=lane,
        starts_at=free.starts_at,
        ends_at=free.ends_at,
        public_at=public_at,
        now=now,
        left_by=left_by,
    )
    return freed


async def show(tx: Transaction, office: str, *, left_by: UUID, now: datetime) -> None:
    """Gives the public what an appointment left before, but for what is offered to somebody."""
    await tx.execute(
        f"""
        UPDATE freed_slot AS freed SET public_at = :now
         WHERE office = :office AND left_by = :left_by AND public_at > :now AND NOT {OFFERED}
        """,  # noqa: S608 - a constant of ours
        office=office,
        left_by=left_by,
        now=now,
    )
